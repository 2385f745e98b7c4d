#include "HttpAnswer.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <system_error>

#include "socketio/protocol/HttpHead.h"

namespace socketio {

namespace {

/// RFC 9110 §5.6.7, made once per second and thread.
std::string_view httpDate() {
    struct Cache {
        std::time_t second = -1;
        char text[30];
    };
    thread_local Cache cache;
    const std::time_t now = std::time(nullptr);
    if (now != cache.second) {
        std::tm parts{};
        ::gmtime_r(&now, &parts);
        // Not strftime's %a and %b: they follow the locale of the application.
        static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        char pattern[] = "ddd, %d mmm %Y %H:%M:%S GMT";
        std::copy_n(kDays[parts.tm_wday], 3, pattern);
        std::copy_n(kMonths[parts.tm_mon], 3, pattern + 8);
        std::strftime(cache.text, sizeof cache.text, pattern, &parts);
        cache.second = now;
    }
    return cache.text;
}

void appendField(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

void appendNumberField(std::string& out, std::string_view name, std::uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    appendField(out, name, {digits, static_cast<std::size_t>(end - digits)});
}

bool listsClose(std::string_view value) {
    while (!value.empty()) {
        std::string_view item = value.substr(0, value.find(','));
        value.remove_prefix(std::min(item.size() + 1, value.size()));
        while (!item.empty() && (item.front() == ' ' || item.front() == '\t'))
            item.remove_prefix(1);
        while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
        if (equalsIgnoreCase(item, "close")) return true;
    }
    return false;
}

/// The Content-Length that the app has set, or kNoLength.
std::uint64_t announcedLength(const HeaderList& headers) {
    const std::string_view text = headers.get("Content-Length");
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool good = !text.empty() && read.ec == std::errc() &&
                      read.ptr == text.data() + text.size() && number != kNoLength;
    return good ? number : kNoLength;
}

/// Status line and the headers that the app may set.
void appendAppFields(std::string& out, int status, const HeaderList& headers, AnswerForm& form) {
    appendStatusLine(out, status, reasonPhrase(status));
    bool dated = false, upgradeNamed = false;
    for (const HeaderList::Field& field : headers) {
        const std::string_view name = field.name;
        // By length first: most names are none of these.
        switch (name.size()) {
            case 4:
                dated = dated || equalsIgnoreCase(name, "date");
                break;
            case 7:
                upgradeNamed = upgradeNamed || equalsIgnoreCase(name, "upgrade");
                break;
            case 10:
                if (equalsIgnoreCase(name, "connection")) {
                    form.close = form.close || listsClose(field.value);
                    continue;
                }
                if (equalsIgnoreCase(name, "keep-alive")) continue;
                break;
            case 14:
                if (equalsIgnoreCase(name, "content-length")) continue;
                break;
            case 17:
                if (equalsIgnoreCase(name, "transfer-encoding")) continue;
                break;
            default:
                break;
        }
        appendField(out, name, field.value);
    }
    if (!dated) appendField(out, "Date", httpDate());
    if (upgradeNamed)  // RFC 9110 §7.8: a sender of Upgrade lists it in Connection
        appendField(out, "Connection", form.close ? "Upgrade, close" : "Upgrade");
    else if (form.close)
        appendField(out, "Connection", "close");
    else if (form.http10)
        appendField(out, "Connection", "keep-alive");
}

}  // namespace

bool equalsIgnoreCase(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

int answerableStatus(int status) { return status >= 200 && status <= 599 ? status : 500; }

void appendHead(std::string& out, int status, const HeaderList& headers, std::uint64_t bodySize,
                AnswerForm& form) {
    appendAppFields(out, status, headers, form);
    if (status == 304 || (form.head && !isBodyless(status))) {
        // The length that GET would have been answered with, if the app knows it.
        const std::uint64_t length = bodySize > 0 ? bodySize : announcedLength(headers);
        if (length != kNoLength)
            appendNumberField(out, "Content-Length", length);
        else if (status != 304)
            appendNumberField(out, "Content-Length", 0);
    } else if (!isBodyless(status)) {
        appendNumberField(out, "Content-Length", bodySize);
    }
    out.append("\r\n");
}

std::uint64_t appendStreamHead(std::string& out, int status, const HeaderList& headers,
                               AnswerForm& form) {
    const std::uint64_t length = announcedLength(headers);
    form.bodyless = form.head || isBodyless(status);
    form.chunked = length == kNoLength && !form.bodyless && !form.http10;
    form.close = form.close || (length == kNoLength && !form.bodyless && form.http10);
    appendAppFields(out, status, headers, form);
    if (length != kNoLength) {
        if (!isBodyless(status) || status == 304) appendNumberField(out, "Content-Length", length);
    } else if (!isBodyless(status) && !form.http10) {
        appendField(out, "Transfer-Encoding", "chunked");
    }
    out.append("\r\n");
    return length;
}

}  // namespace socketio
