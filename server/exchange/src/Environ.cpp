#include "socketio/exchange/Environ.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <limits>

#include "socketio/base/Text.h"

namespace socketio {

namespace {

constexpr std::size_t kNameLength = 2;
constexpr std::size_t kHeadLength = kNameLength + 4;

/// The CGI name of a header: `User-Agent` -> `HTTP_USER_AGENT`. Usual names need no memory.
class VariableName {
public:
    explicit VariableName(std::string_view header) {
        constexpr std::string_view kPrefix = "HTTP_";
        const bool content = (header.size() == 12 && equalsIgnoreCase(header, "content-type")) ||
                             (header.size() == 14 && equalsIgnoreCase(header, "content-length"));
        const std::size_t prefix = content ? 0 : kPrefix.size();
        _size = prefix + header.size();
        if (_size > _usual.size()) _long.resize(_size);
        char* const name = _long.empty() ? _usual.data() : _long.data();
        std::copy_n(kPrefix.data(), prefix, name);
        std::transform(header.begin(), header.end(), name + prefix,
                       [](char c) { return c == '-' ? '_' : upperCase(c); });
    }

    operator std::string_view() const {
        return _long.empty() ? std::string_view(_usual.data(), _size) : _long;
    }

private:
    std::size_t _size;
    std::array<char, 64> _usual;
    std::string _long;
};

/// What has to stay out: an environ is copied into logs, headers and other processes.
bool isValue(std::string_view value) {
    return value.size() <= std::numeric_limits<std::uint32_t>::max() && !breaksLines(value);
}

bool isName(std::string_view name) {
    return !name.empty() && name.size() <= std::numeric_limits<std::uint16_t>::max();
}

/// A part of the block moves when that grows.
bool pointsInto(std::string_view block, std::string_view part) {
    return std::less_equal<>{}(block.data(), part.data()) &&
           std::less<>{}(part.data(), block.data() + block.size());
}

}  // namespace

Environ::Entry Environ::entryAt(std::size_t at) const {
    std::uint16_t nameLength;
    std::uint32_t valueLength;
    std::memcpy(&nameLength, _block.data() + at, sizeof nameLength);
    std::memcpy(&valueLength, _block.data() + at + kNameLength, sizeof valueLength);
    const std::string_view block(_block);
    at += kHeadLength;
    return {block.substr(at, nameLength), block.substr(at + nameLength, valueLength),
            at + nameLength + valueLength};
}

/// One bit, by what tells the usual names apart: the length, the last and a middle character.
std::uint64_t Environ::traceOf(std::string_view name) {
    const std::size_t size = name.size();
    if (size == 0) return 0;
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(name[i]); };
    return std::uint64_t{1} << ((size * 5 + at(size - 1) * 3 + at(size / 2)) % 64);
}

// A request asks dozens of times: past the lengths it looks at names of the right one only.
Environ::Entry Environ::find(std::string_view name) const {
    if ((_traces & traceOf(name)) == 0) return {};
    const char* const begin = _block.data();
    const char* const end = begin + _block.size();
    for (const char* at = begin; at != end;) {
        std::uint16_t nameLength;
        std::uint32_t valueLength;
        std::memcpy(&nameLength, at, sizeof nameLength);
        std::memcpy(&valueLength, at + kNameLength, sizeof valueLength);
        if (nameLength == name.size() &&
            std::memcmp(at + kHeadLength, name.data(), nameLength) == 0)
            return entryAt(static_cast<std::size_t>(at - begin));
        at += kHeadLength + nameLength + valueLength;
    }
    return {};
}

void Environ::append(std::string_view name, std::string_view value) {
    if (pointsInto(_block, name) || pointsInto(_block, value)) {
        append(std::string(name), std::string(value));
        return;
    }
    const auto nameLength = static_cast<std::uint16_t>(name.size());
    const auto valueLength = static_cast<std::uint32_t>(value.size());
    std::array<char, kHeadLength> lengths;
    std::memcpy(lengths.data(), &nameLength, sizeof nameLength);
    std::memcpy(lengths.data() + kNameLength, &valueLength, sizeof valueLength);
    _block.append(lengths.data(), lengths.size()).append(name).append(value);
    _traces |= traceOf(name);
}

void Environ::set(std::string_view name, std::string_view value) {
    if (!isName(name) || !isValue(value)) return;
    const Entry old = find(name);
    if (old.end != 0) {
        const std::size_t length = kHeadLength + old.name.size() + old.value.size();
        const std::string ownName(name), ownValue(value);  // may be parts of the block
        _block.erase(old.end - length, length);
        append(ownName, ownValue);
        return;
    }
    append(name, value);
}

void Environ::remove(std::string_view name) {
    const Entry old = find(name);
    if (old.end == 0) return;
    const std::size_t length = kHeadLength + old.name.size() + old.value.size();
    _block.erase(old.end - length, length);
}

bool Environ::addHeader(std::string_view name, std::string_view value) {
    if (name.find('_') != std::string_view::npos || equalsIgnoreCase(name, "proxy")) return false;
    return !name.empty() && addVariable(VariableName(name), value);
}

bool Environ::addVariable(std::string_view variable, std::string_view value) {
    if (!isName(variable) || !isValue(value)) return false;
    const Entry old = find(variable);
    if (old.end == 0) {
        append(variable, value);
        return true;
    }
    std::string joined(old.value);
    joined.append(variable == "HTTP_COOKIE" ? "; " : ",").append(value);
    set(variable, joined);
    return true;
}

std::string_view Environ::get(std::string_view name) const { return find(name).value; }

bool Environ::has(std::string_view name) const { return find(name).end != 0; }

std::string_view Environ::header(std::string_view name) const { return get(VariableName(name)); }

std::string Environ::queryParameter(std::string_view name) const {
    std::string_view rest = query(), found;
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(pair.size() < rest.size() ? pair.size() + 1 : pair.size());
        const std::size_t equals = pair.find('=');
        const std::string_view key = pair.substr(0, equals);
        if (key == name ||
            (key.find_first_of("%+") != key.npos && percentDecode(key, true) == name))
            found = equals == pair.npos ? std::string_view() : pair.substr(equals + 1);
    }
    return percentDecode(found, true);
}

}  // namespace socketio
