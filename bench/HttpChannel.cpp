#include "HttpChannel.h"

#include <algorithm>
#include <charconv>
#include <strings.h>

namespace socketio {

namespace {

// The value of the header `name`, or nothing.
std::string_view headerValue(std::string_view head, std::string_view name) {
    for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
         at = head.find("\r\n", at + 2)) {
        std::string_view line = head.substr(at + 2);
        if (line.size() <= name.size() || line[name.size()] != ':' ||
            ::strncasecmp(line.data(), name.data(), name.size()) != 0)
            continue;
        line.remove_prefix(name.size() + 1);
        line = line.substr(0, line.find("\r\n"));
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        return line;
    }
    return {};
}

}  // namespace

std::string HttpChannel::requestBytes(std::string_view method, std::string_view target,
                                      std::string_view body) const {
    std::string request;
    request.reserve(384);
    request.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1:");
    request.append(std::to_string(port())).append("\r\nAccept: */*\r\n");
    if (method == "POST")
        request.append("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ")
            .append(std::to_string(body.size()))
            .append("\r\n");
    return request.append("\r\n").append(body);
}

RequestChannel::Answer HttpChannel::parse(std::string_view bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return {};
    const std::string_view head = bytes.substr(0, end);
    const std::string_view lengthText = headerValue(head, "content-length");
    std::size_t length = 0;
    Answer answer;
    if (head.size() < 12 ||
        std::from_chars(lengthText.data(), lengthText.data() + lengthText.size(), length).ec !=
            std::errc() ||
        std::from_chars(head.data() + 9, head.data() + 12, answer.status).ec != std::errc())
        return {.size = bytes.size()};
    if (bytes.size() < end + 4 + length) return {};
    const std::string_view connection = headerValue(head, "connection");
    answer.closes = connection.size() == 5 && ::strncasecmp(connection.data(), "close", 5) == 0;
    answer.size = end + 4 + length;
    answer.body = bytes.substr(end + 4, length);
    return answer;
}

}  // namespace socketio
