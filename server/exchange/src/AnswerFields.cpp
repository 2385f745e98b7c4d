#include "socketio/exchange/AnswerFields.h"

#include <charconv>

#include "socketio/base/Text.h"

namespace socketio {

int answerableStatus(int status) { return status >= 200 && status <= 599 ? status : 500; }

std::uint64_t announcedLength(const HeaderList& headers) {
    return parseNumber<std::uint64_t>(headers.get("Content-Length")).value_or(kNoLength);
}

bool isFramingField(std::string_view name) {
    // By length first: most names are none of these.
    switch (name.size()) {
        case 10:
            return equalsIgnoreCase(name, "connection") || equalsIgnoreCase(name, "keep-alive");
        case 14:
            return equalsIgnoreCase(name, "content-length");
        case 17:
            return equalsIgnoreCase(name, "transfer-encoding");
        default:
            return false;
    }
}

std::uint64_t answerLength(int status, const HeaderList& headers, std::uint64_t bodySize,
                           bool head) {
    if (status != 304 && isBodyless(status)) return kNoLength;
    if (status != 304 && !head) return bodySize;
    const std::uint64_t length = bodySize > 0 ? bodySize : announcedLength(headers);
    return length == kNoLength && status != 304 ? 0 : length;
}

void appendField(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

void appendNumberField(std::string& out, std::string_view name, std::uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    appendField(out, name, {digits, static_cast<std::size_t>(end - digits)});
}

}  // namespace socketio
