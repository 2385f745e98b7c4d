// For pickle_check.py: reads lines of hexadecimal pickles and answers each with the JSON of what is
// in it, binary as {"b": hex}, a space, and a pickle of the same in hexadecimal; or with "no".
#include <iostream>
#include <string>

#include "socketio/base/Text.h"
#include "socketio/protocol/JsonCodec.h"

#include "Pickle.h"

namespace {

using socketio::Value;

std::string hex(std::string_view bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const char byte : bytes) {
        out += kDigits[static_cast<unsigned char>(byte) >> 4];
        out += kDigits[static_cast<unsigned char>(byte) & 15];
    }
    return out;
}

std::string bytesOf(const std::string& digits) {
    std::string out;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        out += static_cast<char>(socketio::hexDigit(digits[i]) * 16 +
                                 socketio::hexDigit(digits[i + 1]));
    return out;
}

void showBinary(Value& value) {
    if (value.isBinary()) value = Value{{"b", hex(value.asBinary().view())}};
    if (value.isArray())
        for (Value& item : value.makeArray()) showBinary(item);
    if (value.isObject())
        for (auto& member : value.makeObject()) showBinary(member.second);
}

}  // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        auto value = socketio::Pickle::decode(bytesOf(line));
        if (!value.ok()) {
            std::cout << "no " << value.error().detail << std::endl;
            continue;
        }
        std::string pickle;
        socketio::Pickle::begin(pickle);
        socketio::Pickle::value(pickle, *value);
        socketio::Pickle::end(pickle);
        showBinary(*value);
        std::string json;
        if (!socketio::JsonCodec::encodeTo(json, *value, nullptr, socketio::JsonStyle::Python).ok())
            json = "null";
        std::cout << hex(json) << ' ' << hex(pickle) << std::endl;
    }
}
