#include "socketio/exchange/Response.h"

#include <algorithm>
#include <cstdint>

#include "socketio/base/Text.h"
#include "socketio/base/WordScan.h"

namespace socketio {

namespace {

bool isFieldValue(std::string_view value) {
    const auto suspect = [](std::uint64_t word) {
        return hasByteBelow(word, 0x20) || hasByte(word, 0x7f);
    };
    return !anyWord(value, suspect) || std::none_of(value.begin(), value.end(), [](char c) {
        return isControl(c) && c != '\t';
    });
}

constexpr std::size_t kUsualFields = 4;

}  // namespace

HeaderList::HeaderList(
    std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
    for (const auto& [name, value] : fields) add(name, value);
}

bool HeaderList::add(std::string_view name, std::string_view value) {
    if (!isToken(name) || !isFieldValue(value)) return false;
    if (_fields.empty()) _fields.reserve(kUsualFields);
    _fields.push_back({std::string(name), std::string(value)});
    return true;
}

bool HeaderList::set(std::string_view name, std::string_view value) {
    if (!isToken(name) || !isFieldValue(value)) return false;
    remove(name);
    return add(name, value);
}

void HeaderList::remove(std::string_view name) {
    std::erase_if(_fields, [&](const Field& f) { return equalsIgnoreCase(f.name, name); });
}

std::string_view HeaderList::get(std::string_view name) const {
    for (const Field& field : _fields)
        if (equalsIgnoreCase(field.name, name)) return field.value;
    return {};
}

bool HeaderList::has(std::string_view name) const {
    return std::any_of(_fields.begin(), _fields.end(),
                       [&](const Field& f) { return equalsIgnoreCase(f.name, name); });
}

Response Response::text(int status, std::string_view body) {
    return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::string(body)};
}

Response Response::json(int status, std::string_view body) {
    return {status, {{"Content-Type", "application/json"}}, std::string(body)};
}

Response Response::refusal(int status) {
    Response response = text(status, reasonPhrase(status));
    response.headers.add("X-Content-Type-Options", "nosniff");
    if (status == 405)
        response.headers.add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    if (status == 426) {
        response.headers.add("Upgrade", "websocket");
        response.headers.add("Sec-WebSocket-Version", "13");
    }
    return response;
}

Response Response::notFound() { return {404, {{"Content-Type", "text/plain"}}, "Not Found"}; }

std::string_view reasonPhrase(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 101:
            return "Switching Protocols";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 416:
            return "Range Not Satisfiable";
        case 417:
            return "Expectation Failed";
        case 422:
            return "Unprocessable Content";
        case 426:
            return "Upgrade Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return status < 300 ? "OK" : status < 500 ? "Error" : "Server Error";
    }
}

}  // namespace socketio
