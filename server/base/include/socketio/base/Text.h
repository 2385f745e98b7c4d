#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "socketio/base/WordScan.h"

namespace socketio {

// Small functions over the ASCII text of protocols. None of them looks at the locale, and bytes
// from 0x80 on stand for themselves.
//
// Threads: pure functions.

constexpr char lowerCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char upperCase(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

std::string lowerCase(std::string_view text);

constexpr bool equalsIgnoreCase(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lowerCase(x) == lowerCase(y); });
}

/// -1 for what is none.
constexpr int hexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = lowerCase(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// The number that the whole of `text` is; none when it is empty, no number, or no `Number`.
template <class Number>
std::optional<Number> parseNumber(std::string_view text, int base = 10) {
    Number number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number, base);
    if (error != std::errc() || stop != end) return std::nullopt;
    return number;
}

/// Without the spaces and tabs around it (RFC 9110 §5.6.3).
constexpr std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Cuts the first item and its separator off the front of `list`; the item comes trimmed.
constexpr std::string_view takeItem(std::string_view& list, char separator = ',') {
    const std::string_view item = list.substr(0, list.find(separator));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    return trim(item);
}

/// True when `item`, in whatever case, is one of a comma separated list.
constexpr bool listsItem(std::string_view list, std::string_view item) {
    while (!list.empty())
        if (equalsIgnoreCase(takeItem(list), item)) return true;
    return false;
}

namespace detail {
inline constexpr auto kTokenCharacters = [] {
    std::array<bool, 256> token{};
    for (unsigned char d = '0'; d <= '9'; ++d) token[d] = true;
    for (unsigned char d = 'A'; d <= 'Z'; ++d) token[d] = token[d + 32u] = true;
    for (const char d : std::string_view("!#$%&'*+-.^_`|~"))
        token[static_cast<unsigned char>(d)] = true;
    return token;
}();
}  // namespace detail

/// Of a token (RFC 9110 §5.6.2), such as a method or the name of a field.
constexpr bool isTokenCharacter(char c) {
    return detail::kTokenCharacters[static_cast<unsigned char>(c)];
}
constexpr bool isToken(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), isTokenCharacter);
}

/// Below 0x20, and 0x7f: what no line should hold.
constexpr bool isControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// Holds a NUL, CR or LF, which neither a header field nor a CGI variable may.
inline bool breaksLines(std::string_view text) {
    return anyWord(text, [](std::uint64_t word) { return hasByteBelow(word, '\r' + 1); }) &&
           text.find_first_of(std::string_view("\0\r\n", 3)) != text.npos;
}

/// Decodes percent escapes (and `+` as a space when `plus`). An escape that is none stays as it is.
std::string percentDecode(std::string_view text, bool plus = false);

/// Escapes what cannot stand in the path of a URI as it is (RFC 3986 §3.3).
std::string percentEncodePath(std::string_view path);

/// `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110 §5.6.7).
std::string formatHttpDate(std::time_t time);
std::optional<std::time_t> parseHttpDate(std::string_view text);

/// The weights that an Accept-Encoding gives the codings we have (RFC 9110 §12.5.3), in
/// thousandths. A weight that is none counts as 0.
struct CodingWeights {
    static constexpr int kAbsent = -1;

    int gzip = kAbsent, deflate = kAbsent;  ///< By name or by `*`.
    int identity = kAbsent;                 ///< By name.

    static CodingWeights parse(std::string_view acceptEncoding);
};

}  // namespace socketio
