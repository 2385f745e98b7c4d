#include "CgiRequest.h"

#include <algorithm>
#include <string>

#include "socketio/base/Text.h"
#include "socketio/exchange/AnswerFields.h"
#include "socketio/protocol/HttpHead.h"

namespace socketio {

namespace {

constexpr std::size_t kLongestMethod = 32;

bool isVariableName(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return c > 0x20 && c < 0x7f && c != '=';
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

/// Kept as it is: the others are looked at one by one behind it.
bool isPlain(std::string_view name) {
    return name != "SCRIPT_NAME" && name != "PATH_INFO" && name != "HTTPS" &&
           name != "HTTP_PROXY" && name != "HTTP_CONTENT_TYPE" && name != "HTTP_CONTENT_LENGTH";
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

    std::string_view script, pathInfo, https;
    for (const auto& [name, value] : variables) {
        if (!isVariableName(name)) return refused(400, "the name of a variable");
        if (breaksLines(value)) {
            if (matters(name)) return refused(400, "CR, LF or NUL in a variable");
            continue;
        }
        if (name == "SCRIPT_NAME")
            script = value;
        else if (name == "PATH_INFO")
            pathInfo = value;
        else if (name == "HTTPS")
            https = value;
        else if (isHeader(name) && name != "HTTP_HOST" && isPlain(name))
            environ->addVariable(name, value);
        else if (isPlain(name))
            environ->set(name, value);
    }

    // Views into the environ are good until it changes.
    const std::string method(environ->method());
    if (!isMethod(method)) return refused(400, "REQUEST_METHOD");
    if (method == "TRACE" || method == "CONNECT") return refused(405, "REQUEST_METHOD");
    request.head = method == "HEAD";

    for (const char* name : {"CONTENT_TYPE", "CONTENT_LENGTH"})
        if (environ->get(name).empty()) environ->remove(name);
    if (const std::string_view text = environ->get("CONTENT_LENGTH"); !text.empty()) {
        const auto length = parseNumber<std::uint64_t>(text);
        if (!length || text.size() > 19) return refused(400, "CONTENT_LENGTH");
        request.contentLength = *length;
    }

    // The path, and the two that are made of each other.
    std::string path = std::string(script).append(pathInfo);
    const std::string_view uri = environ->get("REQUEST_URI");
    if (path.empty()) path = percentDecode(targetPath(uri));
    if (breaksLines(path)) return refused(400, "CR, LF or NUL in the path");
    if (!path.starts_with('/') && !(path == "*" && method == "OPTIONS"))
        return refused(400, "the path");
    if (!environ->has("QUERY_STRING")) {
        const std::size_t mark = uri.find('?');
        const std::string query(mark == uri.npos ? std::string_view() : uri.substr(mark + 1));
        environ->set("QUERY_STRING", query);
    }
    if (environ->get("REQUEST_URI").empty()) {
        // For a web server that does not tell.
        std::string made = percentEncodePath(path);
        if (!environ->query().empty()) made.append("?").append(environ->query());
        environ->set("REQUEST_URI", made);
    }
    const bool mounted = !mount.empty() && path.starts_with(mount) &&
                         (path.size() == mount.size() || path[mount.size()] == '/');
    environ->set("SCRIPT_NAME", mounted ? mount : std::string_view());
    environ->set("PATH_INFO", mounted ? std::string_view(path).substr(mount.size()) : path);

    const bool secure = equalsIgnoreCase(https, "on") || https == "1";
    if (secure) environ->set("HTTPS", "on");
    if (environ->get("SERVER_NAME").empty() || environ->get("SERVER_NAME") == "_") {
        const std::string name(httpHostName(environ->get("HTTP_HOST")));
        environ->set("SERVER_NAME", name.empty() ? "localhost" : name);
    }
    const auto fill = [&](std::string_view name, std::string_view value) {
        if (environ->get(name).empty()) environ->set(name, value);
    };
    fill("SERVER_PORT", secure ? "443" : "80");
    fill("SERVER_PROTOCOL", "HTTP/1.1");
    fill("GATEWAY_INTERFACE", "CGI/1.1");
    fill("REMOTE_ADDR", "unknown");
    if (environ->has("REMOTE_PORT") && environ->get("REMOTE_PORT").empty())
        environ->remove("REMOTE_PORT");
    proxies.apply(*environ);
    request.wantsWebSocket = listsItem(environ->get("HTTP_UPGRADE"), "websocket");
    request.environ = environ;
    return request;
}

}  // namespace socketio
