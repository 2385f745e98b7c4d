#include "HttpFields.h"

#include <charconv>
#include <optional>
#include <system_error>

#include "socketio/base/Text.h"

namespace socketio {

namespace {

/// Digits and nothing else; a number that is too large counts as the largest.
std::optional<std::uint64_t> number(std::string_view digits) {
    std::uint64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (digits.empty() || stop != end) return std::nullopt;
    return error == std::errc::result_out_of_range ? UINT64_MAX : value;
}

}  // namespace

bool matchesEntityTag(std::string_view list, std::string_view tag, bool weak) {
    list = trim(list);
    if (list == "*") return true;
    const bool tagIsWeak = tag.starts_with("W/");
    if (tagIsWeak) tag.remove_prefix(2);
    if (tagIsWeak && !weak) return false;
    while (!list.empty()) {
        const bool itemIsWeak = list.starts_with("W/");
        if (itemIsWeak) list.remove_prefix(2);
        if (list.empty() || list.front() != '"') return false;
        const std::size_t end = list.find('"', 1);
        if (end == list.npos) return false;
        if (list.substr(0, end + 1) == tag && (weak || !itemIsWeak)) return true;
        list = trim(list.substr(end + 1));
        if (list.empty()) return false;
        if (list.front() != ',') return false;
        while (!list.empty() &&
               (list.front() == ',' || list.front() == ' ' || list.front() == '\t'))
            list.remove_prefix(1);
    }
    return false;
}

ByteRange ByteRange::parse(std::string_view field, std::uint64_t size) {
    const ByteRange whole{Kind::Whole, 0, size};
    const std::size_t equals = field.find('=');
    if (equals == field.npos || !equalsIgnoreCase(field.substr(0, equals), "bytes")) return whole;
    std::string_view spec = trim(field.substr(equals + 1));
    const std::size_t dash = spec.find('-');
    if (dash == spec.npos || spec.find(',') != spec.npos) return whole;

    if (dash == 0) {
        const auto suffix = number(spec.substr(1));
        if (!suffix) return whole;
        if (*suffix == 0 || size == 0) return {Kind::Unsatisfiable, 0, 0};
        const std::uint64_t length = *suffix < size ? *suffix : size;
        return {Kind::Part, size - length, length};
    }
    const auto first = number(spec.substr(0, dash));
    const std::string_view lastText = spec.substr(dash + 1);
    const auto last =
        lastText.empty() ? std::optional<std::uint64_t>(UINT64_MAX) : number(lastText);
    if (!first || !last || *last < *first) return whole;
    if (*first >= size) return {Kind::Unsatisfiable, 0, 0};
    return {Kind::Part, *first, (*last < size ? *last : size - 1) - *first + 1};
}

}  // namespace socketio
