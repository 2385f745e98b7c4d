#include "socketio/base/Text.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>

namespace socketio {

namespace {

constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// `1`, `0.5`, `0.123` in thousandths; 0 for what is no weight.
int parseWeight(std::string_view text) {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 0;
    int value = (text[0] - '0') * 1000;
    if (text.size() > 1 && text[1] != '.') return 0;
    int unit = 100;
    for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
        if (text[i] < '0' || text[i] > '9') return 0;
        value += (text[i] - '0') * unit;
    }
    return value <= 1000 ? value : 0;
}

}  // namespace

std::string lowerCase(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = lowerCase(c);
    return lower;
}

std::string percentDecode(std::string_view text, bool plus) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const int high = hexDigit(text[i + 1]), low = hexDigit(text[i + 2]);
            if (high >= 0 && low >= 0) {
                out += static_cast<char>(high * 16 + low);
                i += 2;
                continue;
            }
        }
        out += plus && text[i] == '+' ? ' ' : text[i];
    }
    return out;
}

std::string percentEncodePath(std::string_view path) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    constexpr std::string_view kPlain = "-._~!$&'()*+,;=:@/";
    std::string out;
    out.reserve(path.size());
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            kPlain.find(c) != kPlain.npos)
            out += c;
        else
            out.append(1, '%').append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
    return out;
}

std::string formatHttpDate(std::time_t time) {
    std::tm utc{};
    ::gmtime_r(&time, &utc);
    char text[64];  // not strftime(), whose names of days and months follow the locale
    const int length = std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                     kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                                     kMonths[static_cast<std::size_t>(utc.tm_mon)],
                                     utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
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
    const auto day = parseNumber<unsigned>(text.substr(5, 2)),
               year = parseNumber<unsigned>(text.substr(12, 4));
    const auto hour = parseNumber<unsigned>(text.substr(17, 2)),
               minute = parseNumber<unsigned>(text.substr(20, 2)),
               second = parseNumber<unsigned>(text.substr(23, 2));
    if (month == kMonths.size() || !day || !year || !hour || !minute || !second || *hour > 23 ||
        *minute > 59 || *second > 60)
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                           std::chrono::month(month + 1), std::chrono::day(*day)};
    if (!date.ok()) return std::nullopt;
    const auto days = std::chrono::sys_days(date).time_since_epoch();
    return static_cast<std::time_t>(days.count()) * 86400 +
           static_cast<std::time_t>(*hour * 3600 + *minute * 60 + *second);
}

CodingWeights CodingWeights::parse(std::string_view acceptEncoding) {
    CodingWeights weights;
    int any = kAbsent;
    while (!acceptEncoding.empty()) {
        std::string_view element = takeItem(acceptEncoding);
        const std::string_view coding = takeItem(element, ';');
        int weight = 1000;
        while (!element.empty()) {
            std::string_view parameter = takeItem(element, ';');
            if (equalsIgnoreCase(takeItem(parameter, '='), "q"))
                weight = parseWeight(trim(parameter));
        }
        if (equalsIgnoreCase(coding, "gzip") || equalsIgnoreCase(coding, "x-gzip"))
            weights.gzip = weight;
        else if (equalsIgnoreCase(coding, "deflate"))
            weights.deflate = weight;
        else if (equalsIgnoreCase(coding, "identity"))
            weights.identity = weight;
        else if (coding == "*")
            any = weight;
    }
    // The most specific element counts: `gzip;q=0, *` is a no to gzip.
    if (weights.gzip == kAbsent) weights.gzip = any;
    if (weights.deflate == kAbsent) weights.deflate = any;
    return weights;
}

}  // namespace socketio
