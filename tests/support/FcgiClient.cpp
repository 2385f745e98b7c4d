#include "support/FcgiClient.h"

#include <algorithm>
#include <stdexcept>

#include "support/EngineClient.h"

namespace socketio::test {

namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error("FcgiClient: " + what); }

std::string number(std::size_t value, int bytes) {
    std::string out;
    while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xff);
    return out;
}

std::size_t numberAt(std::string_view bytes, std::size_t at, std::size_t size) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
}

std::string length(std::size_t value) {
    return value < 128 ? number(value, 1) : number(value | 0x80000000u, 4);
}

/// The CGI answer, taken apart.
RawResponse parse(const std::string& raw) {
    RawResponse response;
    const std::size_t end = raw.find("\r\n\r\n");
    if (end == raw.npos) fail("an answer without a head: " + raw);
    for (std::size_t at = 0; at < end;) {
        const std::size_t stop = raw.find("\r\n", at);
        const std::string line = raw.substr(at, stop - at);
        const std::size_t colon = line.find(": ");
        if (colon == line.npos) fail("a field without a colon: " + line);
        response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
        at = stop + 2;
    }
    const std::string status = response.header("Status");
    if (status.size() < 4) fail("no Status");
    response.status = std::stoi(status);
    response.reason = status.substr(4);
    response.body = raw.substr(end + 4);
    return response;
}

RawClient::Options at(const std::string& path, RawClient::Options options) {
    options.host = path;
    return options;
}

}  // namespace

FcgiClient::FcgiClient(std::uint16_t port, RawClient::Options options)
    : _raw(port, std::move(options)) {}

FcgiClient::FcgiClient(const std::string& path, RawClient::Options options)
    : _raw(0, at(path, std::move(options))) {}

std::string FcgiClient::record(int type, int id, std::string_view content, std::size_t padding) {
    std::string out = number(1, 1) + number(static_cast<std::size_t>(type), 1) +
                      number(static_cast<std::size_t>(id), 2) + number(content.size(), 2) +
                      number(padding, 1) + number(0, 1);
    return out.append(content).append(padding, '\x55');
}

std::string FcgiClient::begin(int id, bool keep, int role) {
    return record(FcgiRawRecord::Begin, id,
                  number(static_cast<std::size_t>(role), 2) + number(keep, 1) + number(0, 5));
}

std::string FcgiClient::pair(std::string_view name, std::string_view value) {
    return length(name.size()) + length(value.size()) + std::string(name) + std::string(value);
}

std::string FcgiClient::pairs(const FcgiParams& params) {
    std::string out;
    for (const auto& [name, value] : params) out += pair(name, value);
    return out;
}

std::string FcgiClient::request(int id, bool keep, const FcgiParams& params,
                                std::string_view body) {
    const auto stream = [id](int type, std::string_view bytes) {
        std::string out;
        for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 65'535)))
            out += record(type, id, bytes.substr(0, 65'535));
        return out + record(type, id);
    };
    return begin(id, keep) + stream(FcgiRawRecord::Params, pairs(params)) +
           stream(FcgiRawRecord::Stdin, body);
}

FcgiParams FcgiClient::params(std::string_view method, std::string_view target,
                              std::string_view body, const FcgiParams& more) {
    const std::size_t mark = target.find('?');
    FcgiParams params = {
        {"REQUEST_METHOD", std::string(method)},
        {"SCRIPT_NAME", std::string(target.substr(0, mark))},
        {"QUERY_STRING", mark == target.npos ? "" : std::string(target.substr(mark + 1))},
        {"REQUEST_URI", std::string(target)},
        {"SERVER_PROTOCOL", "HTTP/1.1"},
        {"GATEWAY_INTERFACE", "CGI/1.1"},
        {"REMOTE_ADDR", "192.0.2.7"},
        {"REMOTE_PORT", "40000"},
        {"SERVER_NAME", "example.org"},
        {"SERVER_PORT", "80"},
        {"CONTENT_TYPE", ""},
        {"CONTENT_LENGTH", body.empty() ? "" : std::to_string(body.size())},
        {"HTTP_HOST", "example.org"},
    };
    params.insert(params.end(), more.begin(), more.end());
    return params;
}

FcgiRawRecord FcgiClient::read() {
    const std::string header = _raw.readExactly(8);
    if (header[0] != 1) fail("the version of a record");
    FcgiRawRecord record;
    record.type = static_cast<int>(numberAt(header, 1, 1));
    record.id = static_cast<int>(numberAt(header, 2, 2));
    record.content = _raw.readExactly(numberAt(header, 4, 2));
    record.padding = _raw.readExactly(numberAt(header, 6, 1));
    record.reserved = header[7];
    if (record.reserved != 0) fail("a reserved byte that is not zero");
    if (record.padding.find_first_not_of('\0') != record.padding.npos)
        fail("padding that is not zero");
    return record;
}

FcgiAnswer FcgiClient::answer(int id) {
    while (!_partial[id].complete) {
        const FcgiRawRecord record = read();
        Partial& partial = _partial[record.id];
        switch (record.type) {
            case FcgiRawRecord::Stdout:
                if (partial.outputEnded || partial.complete) fail("output behind its end");
                partial.outputEnded = record.content.empty();
                partial.answer.raw += record.content;
                break;
            case FcgiRawRecord::End:
                if (partial.complete || record.content.size() != 8) fail("EndRequest");
                if (record.content.substr(5) != std::string(3, '\0'))
                    fail("reserved bytes of EndRequest");
                partial.answer.appStatus =
                    static_cast<std::uint32_t>(numberAt(record.content, 0, 4));
                partial.answer.protocolStatus = record.content[4];
                partial.complete = true;
                break;
            default:
                fail("a record of type " + std::to_string(record.type));
        }
    }
    FcgiAnswer answer = std::move(_partial[id].answer);
    _partial.erase(id);
    if (!answer.raw.empty()) answer.response = parse(answer.raw);
    return answer;
}

FcgiAnswer FcgiClient::call(std::string_view method, std::string_view target, std::string_view body,
                            const FcgiParams& more, bool keep, int id) {
    send(request(id, keep, params(method, target, body, more), body));
    return answer(id);
}

// -------------------------------------------------------------------------------------------------

FcgiPollingClient::FcgiPollingClient(std::uint16_t port, std::string_view query) : _port(port) {
    const FcgiAnswer answer = FcgiClient(_port).call(
        "GET", "/socket.io/?EIO=4&transport=polling" + std::string(query), {}, {}, false);
    if (answer.response.status != 200) fail("handshake: " + answer.raw);
    _open = answer.response.body;
    _sid = jsonString(_open, "sid");
}

std::string FcgiPollingClient::target() const {
    return "/socket.io/?EIO=4&transport=polling&sid=" + _sid;
}

FcgiClient FcgiPollingClient::startPoll() {
    FcgiClient client(_port);
    client.send(FcgiClient::request(1, false, FcgiClient::params("GET", target())));
    return client;
}

std::string FcgiPollingClient::poll() {
    const FcgiAnswer answer = FcgiClient(_port).call("GET", target(), {}, {}, false);
    if (answer.response.status != 200) fail("poll: " + answer.raw);
    return answer.response.body;
}

void FcgiPollingClient::post(std::string_view payload) {
    const FcgiAnswer answer = FcgiClient(_port).call("POST", target(), payload, {}, false);
    if (answer.response.body != "ok") fail("post: " + answer.raw);
}

std::string FcgiPollingClient::connect() {
    post("40");
    return poll();
}

}  // namespace socketio::test
