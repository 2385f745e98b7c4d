#include "HttpAnswer.h"

#include <ctime>

#include "socketio/base/Text.h"
#include "socketio/protocol/HttpHead.h"

namespace socketio {

namespace {

/// Made once per second and thread.
std::string_view httpDate() {
    thread_local std::time_t second = -1;
    thread_local std::string text;
    if (const std::time_t now = std::time(nullptr); now != second) {
        text = formatHttpDate(now);
        second = now;
    }
    return text;
}

/// Status line and the headers that the app may set.
void appendAppFields(std::string& out, int status, const HeaderList& headers, AnswerForm& form) {
    appendStatusLine(out, status, reasonPhrase(status));
    bool dated = false, upgradeNamed = false;
    for (const HeaderList::Field& field : headers) {
        const std::string_view name = field.name;
        if (isFramingField(name)) {
            if (equalsIgnoreCase(name, "connection"))
                form.close = form.close || listsItem(field.value, "close");
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
