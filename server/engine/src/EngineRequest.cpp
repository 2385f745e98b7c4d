#include "EngineRequest.h"

#include <algorithm>

#include "socketio/base/Text.h"

namespace socketio {

namespace {

/// A parameter that may be repeated only with the same value: two readers must not see two things.
struct Parameter {
    bool present = false, contradicted = false;
    std::string value;

    void add(std::string next) {
        if (present && next != value) contradicted = true;
        present = true;
        value = std::move(next);
    }
    bool is(std::string_view expected) const { return !contradicted && value == expected; }
};

/// Without a branch per byte, as most texts have none.
bool hasEscapes(std::string_view text) {
    bool escapes = false;
    for (const char c : text) escapes |= (c == '%') | (c == '+');
    return escapes;
}

std::string decoded(std::string_view text) {
    return hasEscapes(text) ? percentDecode(text, true) : std::string(text);
}

}  // namespace

EngineRequest EngineRequest::parse(std::string_view query, std::size_t maxParameters) {
    EngineRequest request;
    Parameter revision, transport;
    std::size_t count = 0;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        if (pair.empty()) continue;
        if (++count > maxParameters) {
            request.tooMany = true;
            return request;
        }
        const std::size_t equals = std::min(pair.find('='), pair.size());
        std::string_view name = pair.substr(0, equals);
        std::string decodedName;
        if (hasEscapes(name)) name = decodedName = percentDecode(name, true);
        const std::string_view raw = equals < pair.size() ? pair.substr(equals + 1) : "";
        if (name == "EIO") {
            revision.add(decoded(raw));
        } else if (name == "transport") {
            transport.add(decoded(raw));
        } else if (name == "sid") {
            std::string sid = decoded(raw);
            if (request.hasSid) {
                request.sid.clear();
            } else if (!sid.empty()) {
                request.hasSid = true;
                request.sid = std::move(sid);
            }
        } else if (name == "b64") {
            request.base64 = !raw.empty() && raw != "0" && raw != "false";
        } else if (name == "j") {
            request.jsonp = true;
            const bool digits =
                !raw.empty() && raw.size() <= 10 &&
                std::all_of(raw.begin(), raw.end(), [](char c) { return c >= '0' && c <= '9'; });
            request.jsonpIndex = digits ? std::string(raw) : std::string();
        }
    }
    if (revision.is("4")) request.revision = EngineRevision::V4;
    if (revision.is("3")) request.revision = EngineRevision::V3;
    if (transport.is("polling")) request.transport = Transport::Polling;
    if (transport.is("websocket")) request.transport = Transport::WebSocket;
    return request;
}

}  // namespace socketio
