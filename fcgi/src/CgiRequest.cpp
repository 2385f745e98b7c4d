#include "CgiRequest.h"

#include <algorithm>
#include <optional>
#include <string>

#include "socketio/base/Text.h"
#include "socketio/base/WordScan.h"
#include "socketio/exchange/AnswerFields.h"
#include "socketio/protocol/HttpHead.h"

namespace socketio {

namespace {

constexpr std::size_t kLongestMethod = 32;

bool isVariableName(std::string_view name) {
    return !name.empty() && !anyWord(name, [](std::uint64_t word) {
        return hasByteBelow(word, 0x21) || hasByteAbove(word, 0x7e) || hasByte(word, '=');
    });
}

bool isMethod(std::string_view method) {
    return !method.empty() && method.size() <= kLongestMethod &&
           std::all_of(method.begin(), method.end(),
                       [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
}

bool isHeader(std::string_view name) { return name.starts_with("HTTP_"); }

/// Variables whose value decides what is done; a bad one is not just left out.
bool matters(std::string_view name) {
    return isHeader(name) || name == "REQUEST_METHOD" || name == "SCRIPT_NAME" ||
           name == "PATH_INFO" || name == "REQUEST_URI" || name == "QUERY_STRING" ||
           name == "CONTENT_LENGTH" || name == "CONTENT_TYPE";
}

/// What the request itself depends on; of one that is repeated the last counts.
struct Known {
    std::string_view method, script, pathInfo, uri, type, length, https;
    std::string_view serverName, serverPort, protocol, gateway, remoteAddress, remotePort;
    std::optional<std::string_view> query, host;

    /// False: a variable like any other.
    bool take(std::string_view name, std::string_view value) {
        switch (name.size()) {
            case 5:
                return take("HTTPS", https, name, value);
            case 9:
                return take("PATH_INFO", pathInfo, name, value) ||
                       take("HTTP_HOST", host, name, value);
            case 11:
                return take("SCRIPT_NAME", script, name, value) ||
                       take("REQUEST_URI", uri, name, value) ||
                       take("SERVER_NAME", serverName, name, value) ||
                       take("SERVER_PORT", serverPort, name, value) ||
                       take("REMOTE_ADDR", remoteAddress, name, value) ||
                       take("REMOTE_PORT", remotePort, name, value);
            case 12:
                return take("QUERY_STRING", query, name, value) ||
                       take("CONTENT_TYPE", type, name, value);
            case 14:
                return take("REQUEST_METHOD", method, name, value) ||
                       take("CONTENT_LENGTH", length, name, value);
            case 15:
                return take("SERVER_PROTOCOL", protocol, name, value);
            case 17:
                return take("GATEWAY_INTERFACE", gateway, name, value);
            default:
                return false;
        }
    }

private:
    template <class Slot>
    static bool take(std::string_view wanted, Slot& slot, std::string_view name,
                     std::string_view value) {
        if (name != wanted) return false;
        slot = value;
        return true;
    }
};

/// A header that is given under its own name, or under none by any web server.
bool isLeftOut(std::string_view name) {
    return name == "HTTP_PROXY" || name == "HTTP_CONTENT_TYPE" || name == "HTTP_CONTENT_LENGTH";
}

CgiRequest refused(int status, const char* why) {
    CgiRequest request;
    request.errorStatus = status;
    request.error = why;
    return request;
}

/// The path part of a request target, `http://host/path?query` too.
std::string_view targetPath(std::string_view uri) {
    if (!uri.starts_with('/') && uri != "*") {
        const std::size_t scheme = uri.find("://");
        if (scheme == uri.npos) return {};
        uri.remove_prefix(std::min(uri.find('/', scheme + 3), uri.size()));
    }
    return uri.substr(0, uri.find('?'));
}

}  // namespace

CgiRequest CgiRequest::read(const Variables& variables, std::string_view mount,
                            const TrustedProxies& proxies) {
    CgiRequest request;
    const auto environ = std::make_shared<Environ>();
    std::size_t bytes = 256;  // for what is filled in
    for (const auto& [name, value] : variables) bytes += name.size() + value.size() + 8;
    environ->reserve(bytes);

    Known known;
    for (const auto& [name, value] : variables) {
        if (!isVariableName(name)) return refused(400, "the name of a variable");
        if (breaksLines(value)) {
            if (matters(name)) return refused(400, "CR, LF or NUL in a variable");
        } else if (!known.take(name, value)) {
            if (!isHeader(name))
                environ->set(name, value);
            else if (!isLeftOut(name))
                environ->addVariable(name, value);
        }
    }

    if (!isMethod(known.method)) return refused(400, "REQUEST_METHOD");
    if (known.method == "TRACE" || known.method == "CONNECT") return refused(405, "REQUEST_METHOD");
    environ->set("REQUEST_METHOD", known.method);
    request.head = known.method == "HEAD";

    if (!known.type.empty()) environ->set("CONTENT_TYPE", known.type);
    if (!known.length.empty()) {
        const auto length = parseNumber<std::uint64_t>(known.length);
        if (!length || known.length.size() > 19) return refused(400, "CONTENT_LENGTH");
        request.contentLength = *length;
        environ->set("CONTENT_LENGTH", known.length);
    }

    // The path, and the two that are made of each other.
    std::string path = std::string(known.script).append(known.pathInfo);
    if (path.empty()) path = percentDecode(targetPath(known.uri));
    if (breaksLines(path)) return refused(400, "CR, LF or NUL in the path");
    if (!path.starts_with('/') && !(path == "*" && known.method == "OPTIONS"))
        return refused(400, "the path");
    const std::size_t mark = known.uri.find('?');
    const std::string_view query =
        known.query ? *known.query
                    : known.uri.substr(mark == known.uri.npos ? known.uri.size() : mark + 1);
    environ->set("QUERY_STRING", query);
    if (!known.uri.empty()) {
        environ->set("REQUEST_URI", known.uri);
    } else {
        // For a web server that does not tell.
        std::string made = percentEncodePath(path);
        if (!query.empty()) made.append("?").append(query);
        environ->set("REQUEST_URI", made);
    }
    const bool mounted = !mount.empty() && path.starts_with(mount) &&
                         (path.size() == mount.size() || path[mount.size()] == '/');
    environ->set("SCRIPT_NAME", mounted ? mount : std::string_view());
    environ->set("PATH_INFO", mounted ? std::string_view(path).substr(mount.size()) : path);

    const bool secure = equalsIgnoreCase(known.https, "on") || known.https == "1";
    if (secure) environ->set("HTTPS", "on");
    if (known.host) environ->set("HTTP_HOST", *known.host);
    std::string_view serverName = known.serverName;
    if (serverName.empty() || serverName == "_")
        serverName = httpHostName(known.host.value_or(std::string_view()));
    const auto setOr = [&](std::string_view name, std::string_view value,
                           std::string_view otherwise) {
        environ->set(name, value.empty() ? otherwise : value);
    };
    setOr("SERVER_NAME", serverName, "localhost");
    setOr("SERVER_PORT", known.serverPort, secure ? "443" : "80");
    setOr("SERVER_PROTOCOL", known.protocol, "HTTP/1.1");
    setOr("GATEWAY_INTERFACE", known.gateway, "CGI/1.1");
    setOr("REMOTE_ADDR", known.remoteAddress, "unknown");
    if (!known.remotePort.empty()) environ->set("REMOTE_PORT", known.remotePort);
    proxies.apply(*environ);
    request.wantsWebSocket = listsItem(environ->get("HTTP_UPGRADE"), "websocket");
    request.environ = environ;
    return request;
}

}  // namespace socketio
