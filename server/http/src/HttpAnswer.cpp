#include "HttpAnswer.h"

#include <algorithm>
#include <ctime>

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

/// Status line and the headers that the app may set.
void appendAppFields(std::string& out, int status, const HeaderList& headers, AnswerForm& form) {
    appendStatusLine(out, status, reasonPhrase(status));
    bool dated = false, upgradeNamed = false;
    for (const HeaderList::Field& field : headers) {
        const std::string_view name = field.name;
        if (isFramingField(name)) {
            if (equalsIgnoreCase(name, "connection"))
                form.close = form.close || listsClose(field.value);
            continue;
        }
        dated = dated || (name.size() == 4 && equalsIgnoreCase(name, "date"));
        upgradeNamed = upgradeNamed || (name.size() == 7 && equalsIgnoreCase(name, "upgrade"));
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

void appendHead(std::string& out, int status, const HeaderList& headers, std::uint64_t bodySize,
                AnswerForm& form) {
    appendAppFields(out, status, headers, form);
    const std::uint64_t length = answerLength(status, headers, bodySize, form.head);
    if (length != kNoLength) appendNumberField(out, "Content-Length", length);
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
