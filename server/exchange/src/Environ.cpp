#include "socketio/exchange/Environ.h"

#include <cstring>
#include <limits>

#include "socketio/base/Text.h"

namespace socketio {

namespace {

constexpr std::size_t kNameLength = 2;
constexpr std::size_t kHeadLength = kNameLength + 4;

/// The CGI name of a header: `User-Agent` -> `HTTP_USER_AGENT`.
std::string variableName(std::string_view header) {
    const bool content =
        equalsIgnoreCase(header, "content-type") || equalsIgnoreCase(header, "content-length");
    std::string name = content ? "" : "HTTP_";
    name.reserve(name.size() + header.size());
    for (const char c : header) name += c == '-' ? '_' : upperCase(c);
    return name;
}

/// What has to stay out: an environ is copied into logs, headers and other processes.
bool isValue(std::string_view value) {
    return value.size() <= std::numeric_limits<std::uint32_t>::max() && !breaksLines(value);
}

bool isName(std::string_view name) {
    return !name.empty() && name.size() <= std::numeric_limits<std::uint16_t>::max();
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

// A request asks dozens of times: past the lengths it looks at names of the right one only.
Environ::Entry Environ::find(std::string_view name) const {
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
    const auto nameLength = static_cast<std::uint16_t>(name.size());
    const auto valueLength = static_cast<std::uint32_t>(value.size());
    _block.append(reinterpret_cast<const char*>(&nameLength), sizeof nameLength);
    _block.append(reinterpret_cast<const char*>(&valueLength), sizeof valueLength);
    _block.append(name).append(value);
}

void Environ::set(std::string_view name, std::string_view value) {
    if (!isName(name) || !isValue(value)) return;
    const Entry old = find(name);
    if (old.end != 0) {
        const std::size_t length = kHeadLength + old.name.size() + old.value.size();
        const std::string ownName(name), ownValue(value);  // may point into the block
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
    return !name.empty() && addVariable(variableName(name), value);
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

std::string_view Environ::header(std::string_view name) const { return get(variableName(name)); }

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
