#include "HttpFields.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace socketio {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Cuts the part before `separator` off the front of `text`.
std::string_view cut(std::string_view& text, char separator) {
    const std::size_t at = text.find(separator);
    const std::string_view part = text.substr(0, at);
    text.remove_prefix(at == text.npos ? text.size() : at + 1);
    return part;
}

bool equalsIgnoreCase(std::string_view text, std::string_view lower) {
    if (text.size() != lower.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]) != lower[i]) return false;
    return true;
}

/// Digits and nothing else; a number that is too large counts as the largest.
std::optional<std::uint64_t> number(std::string_view digits) {
    std::uint64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (digits.empty() || stop != end) return std::nullopt;
    return error == std::errc::result_out_of_range ? UINT64_MAX : value;
}

/// A weight: `q=0`, `q=0.5`, `q=1.000`. In thousandths; nothing when it is no weight.
std::optional<int> weight(std::string_view text) {
    text = trim(text);
    if (text.size() < 3 || text.size() > 7 || (text[0] != 'q' && text[0] != 'Q') || text[1] != '=')
        return std::nullopt;
    text.remove_prefix(2);
    if (text[0] != '0' && text[0] != '1') return std::nullopt;
    int value = (text[0] - '0') * 1000;
    if (text.size() > 1 && text[1] != '.') return std::nullopt;
    int place = 100;
    for (const char c : text.substr(text.size() > 1 ? 2 : 1)) {
        if (c < '0' || c > '9') return std::nullopt;
        value += (c - '0') * place;
        place /= 10;
    }
    return value <= 1000 ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string formatHttpDate(std::time_t time) {
    std::tm utc{};
    gmtime_r(&time, &utc);
    char text[64];
    const int length =
        std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                      kDays[static_cast<std::size_t>(utc.tm_wday)].data(), utc.tm_mday,
                      kMonths[static_cast<std::size_t>(utc.tm_mon)].data(), utc.tm_year + 1900,
                      utc.tm_hour, utc.tm_min, utc.tm_sec);
    return {text, static_cast<std::size_t>(length)};
}

std::optional<std::time_t> parseHttpDate(std::string_view text) {
    //  0         1         2
    //  01234567890123456789012345678
    //  Sun, 06 Nov 1994 08:49:37 GMT
    if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
        text[16] != ' ' || text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT")
        return std::nullopt;
    unsigned month = 0;
    while (month < kMonths.size() && kMonths[month] != text.substr(8, 3)) ++month;
    const auto day = number(text.substr(5, 2)), year = number(text.substr(12, 4));
    const auto hour = number(text.substr(17, 2)), minute = number(text.substr(20, 2)),
               second = number(text.substr(23, 2));
    if (month == kMonths.size() || !day || !year || !hour || !minute || !second || *hour > 23 ||
        *minute > 59 || *second > 60)
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                           std::chrono::month(month + 1),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    const auto days = std::chrono::sys_days(date).time_since_epoch();
    return static_cast<std::time_t>(days.count()) * 86400 +
           static_cast<std::time_t>(*hour * 3600 + *minute * 60 + *second);
}

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

bool acceptsGzip(std::string_view acceptEncoding) {
    // The most specific item counts: `gzip;q=0, *` is a no, `*` alone a yes.
    std::optional<int> named, any;
    while (!acceptEncoding.empty()) {
        std::string_view item = cut(acceptEncoding, ',');
        const std::string_view coding = trim(cut(item, ';'));
        const std::optional<int> q = item.empty() ? std::optional(1000) : weight(item);
        if (!q) continue;
        if (equalsIgnoreCase(coding, "gzip") || equalsIgnoreCase(coding, "x-gzip"))
            named = q;
        else if (coding == "*")
            any = q;
    }
    return named.value_or(any.value_or(0)) > 0;
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
