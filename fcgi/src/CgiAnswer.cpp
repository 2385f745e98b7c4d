#include "CgiAnswer.h"

#include "socketio/base/Text.h"

namespace socketio {

void appendCgiHead(std::string& out, int status, const HeaderList& headers, std::uint64_t length) {
    out.append("Status: ").append(std::to_string(status)).append(" ");
    out.append(reasonPhrase(status)).append("\r\n");
    for (const HeaderList::Field& field : headers)
        if (!isFramingField(field.name) && !equalsIgnoreCase(field.name, "status"))
            appendField(out, field.name, field.value);
    if (length != kNoLength) appendNumberField(out, "Content-Length", length);
    out.append("\r\n");
}

void appendCgiAnswer(std::string& out, const Response& response, bool head) {
    const int status = answerableStatus(response.status);
    appendCgiHead(out, status, response.headers,
                  answerLength(status, response.headers, response.body.size(), head));
    if (!head && !isBodyless(status)) out.append(response.body);
}

}  // namespace socketio
