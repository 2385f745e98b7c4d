#include "support/RawClient.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "support/TlsClient.h"

namespace socketio::test {

namespace {

using namespace std::chrono_literals;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error("RawClient: " + what); }

bool equalsIgnoreCase(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

}  // namespace

std::string RawResponse::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (equalsIgnoreCase(key, name)) return value;
    return {};
}

std::size_t RawResponse::count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::count_if(headers.begin(), headers.end(),
                      [&](const auto& h) { return equalsIgnoreCase(h.first, name); }));
}

int RawFrame::closeCode() const {
    if (payload.size() < 2) return 1005;
    return static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
}

RawClient::RawClient(std::uint16_t port, Options options) : _options(std::move(options)) {
    const bool v6 = !_options.host.starts_with('/') && _options.host.find(':') != std::string::npos;
    const bool local = _options.host.starts_with('/');
    _descriptor = ::socket(local ? AF_UNIX
                           : v6  ? AF_INET6
                                 : AF_INET,
                           SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (_descriptor < 0) fail(std::string("socket: ") + std::strerror(errno));
    if (_options.receiveBuffer > 0)
        ::setsockopt(_descriptor, SOL_SOCKET, SO_RCVBUF, &_options.receiveBuffer, sizeof(int));
    const int on = 1;
    ::setsockopt(_descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int result;
    if (local) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (_options.host.size() >= sizeof address.sun_path) fail("path too long");
        std::memcpy(address.sun_path, _options.host.c_str(), _options.host.size());
        result = ::connect(_descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address);
    } else if (v6) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(port);
        ::inet_pton(AF_INET6, _options.host.c_str(), &address.sin6_addr);
        result = ::connect(_descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address);
    } else {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        ::inet_pton(AF_INET, _options.host.c_str(), &address.sin_addr);
        result = ::connect(_descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    if (result != 0) {
        const std::string why = std::strerror(errno);
        close();
        fail("connect to port " + std::to_string(port) + ": " + why);
    }
    if (!_options.tls) return;
    try {
        secure();
    } catch (...) {
        close();
        throw;
    }
}

void RawClient::secure() {
    const TimePoint until = end();
    _tls = std::make_unique<TlsStream>(_options.tls);
    char buffer[65'536];
    for (;;) {
        const bool done = _tls->handshake();
        if (!trySendRaw(_tls->output())) fail("closed in the handshake");
        if (done) return;
        wait(POLLIN, until, "handshake");
        const ssize_t size = ::recv(_descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
        if (size <= 0) fail("closed in the handshake");
        _tls->feed({buffer, static_cast<std::size_t>(size)});
    }
}

RawClient::~RawClient() { close(); }

RawClient::RawClient(RawClient&& other) noexcept
    : _options(std::move(other._options)),
      _descriptor(std::exchange(other._descriptor, -1)),
      _input(std::move(other._input)),
      _tls(std::move(other._tls)) {}

RawClient& RawClient::operator=(RawClient&& other) noexcept {
    if (this != &other) {
        close();
        _options = std::move(other._options);
        _descriptor = std::exchange(other._descriptor, -1);
        _input = std::move(other._input);
        _tls = std::move(other._tls);
    }
    return *this;
}

void RawClient::wait(short events, TimePoint end, const char* what) {
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd entry{_descriptor, events, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(std::max(left, 0ms).count()));
        if (ready > 0) return;
        if (ready == 0) fail(std::string("deadline passed: ") + what);
        if (errno != EINTR) fail(std::string("poll: ") + std::strerror(errno));
    }
}

bool RawClient::receive(TimePoint end, const char* what) {
    char buffer[65'536];
    for (;;) {
        if (_tls && _tls->closeNotified()) return false;  // it came along with the last bytes
        wait(POLLIN, end, what);
        const ssize_t size = ::recv(_descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
        if (size > 0 && _tls) {
            const std::size_t before = _input.size();
            _tls->feed({buffer, static_cast<std::size_t>(size)});
            const bool open = _tls->read(_input);
            if (_input.size() > before) return true;
            if (!open) return false;
            continue;
        }
        if (size > 0) {
            _input.append(buffer, static_cast<std::size_t>(size));
            return true;
        }
        if (size == 0 || errno == ECONNRESET) return false;
        if (errno != EINTR && errno != EAGAIN) fail(std::string("recv: ") + std::strerror(errno));
    }
}

bool RawClient::trySend(std::string_view bytes) {
    if (!_tls) return trySendRaw(bytes);
    _tls->write(bytes);
    return trySendRaw(_tls->output());
}

bool RawClient::trySendRaw(std::string_view bytes) {
    const TimePoint until = end();
    while (!bytes.empty()) {
        wait(POLLOUT, until, "send");
        const ssize_t sent =
            ::send(_descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno == EPIPE || errno == ECONNRESET)
            return false;
        else if (errno != EINTR && errno != EAGAIN)
            fail(std::string("send: ") + std::strerror(errno));
    }
    return true;
}

void RawClient::send(std::string_view bytes) {
    if (!trySend(bytes)) fail("send: closed by the peer");
}

void RawClient::sendInPieces(std::string_view bytes, std::size_t size) {
    for (std::size_t at = 0; at < bytes.size(); at += size) send(bytes.substr(at, size));
}

void RawClient::waitUntilReceived() {
    const TimePoint until = end();
    for (int outstanding = 1;;) {
        if (::ioctl(_descriptor, TIOCOUTQ, &outstanding) != 0)
            fail(std::string("TIOCOUTQ: ") + std::strerror(errno));
        if (outstanding == 0) return;
        if (std::chrono::steady_clock::now() >= until) fail("the peer received nothing");
        std::this_thread::sleep_for(100us);
    }
}

std::size_t RawClient::unread() const {
    int waiting = 0;
    ::ioctl(_descriptor, FIONREAD, &waiting);
    return _input.size() + static_cast<std::size_t>(waiting);
}

std::string RawClient::requestBytes(std::string_view method, std::string_view target,
                                    std::string_view headers, std::string_view body) {
    std::string bytes(method);
    bytes.append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(headers);
    if (!body.empty()) bytes.append("Content-Length: " + std::to_string(body.size()) + "\r\n");
    return bytes.append("\r\n").append(body);
}

void RawClient::request(std::string_view method, std::string_view target, std::string_view headers,
                        std::string_view body) {
    send(requestBytes(method, target, headers, body));
}

std::string RawClient::takeLine(TimePoint end, const char* what) {
    std::size_t found;
    while ((found = _input.find("\r\n")) == std::string::npos)
        if (!receive(end, what)) fail(std::string("closed by the peer: ") + what);
    std::string line = _input.substr(0, found);
    _input.erase(0, found + 2);
    return line;
}

std::string RawClient::take(std::size_t size, TimePoint end, const char* what) {
    while (_input.size() < size)
        if (!receive(end, what)) fail(std::string("closed by the peer: ") + what);
    std::string bytes = _input.substr(0, size);
    _input.erase(0, size);
    return bytes;
}

RawResponse RawClient::readHead(TimePoint end) {
    RawResponse response;
    const std::string status = takeLine(end, "status line");
    if (status.compare(0, 9, "HTTP/1.1 ") != 0 || status.size() < 12)
        fail("no status line: " + status.substr(0, 80));
    response.status = std::stoi(status.substr(9, 3));
    response.reason = status.size() > 13 ? status.substr(13) : "";
    for (;;) {
        const std::string line = takeLine(end, "header");
        if (line.empty()) return response;
        const std::size_t colon = line.find(": ");
        if (colon == std::string::npos) fail("no header: " + line);
        response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
}

RawResponse RawClient::readHead() { return readHead(end()); }

std::string RawClient::readChunk(TimePoint end) {
    const std::string line = takeLine(end, "chunk size");
    std::size_t used = 0;
    const std::size_t size = std::stoul(line, &used, 16);
    if (used != line.size()) fail("chunk size: " + line);
    std::string data = take(size, end, "chunk");
    if (take(2, end, "end of a chunk") != "\r\n") fail("no line end after a chunk");
    return data;
}

std::string RawClient::readChunk() { return readChunk(end()); }

RawResponse RawClient::readResponse(std::string_view method) {
    const TimePoint until = end();
    RawResponse response = readHead(until);
    if (response.count("Content-Length") + response.count("Transfer-Encoding") > 1)
        fail("more than one framing header");
    if (method == "HEAD" || response.status < 200 || response.status == 204 ||
        response.status == 304)
        return response;
    const std::string length = response.header("Content-Length");
    if (!length.empty()) {
        response.body = take(std::stoul(length), until, "body");
    } else if (equalsIgnoreCase(response.header("Transfer-Encoding"), "chunked")) {
        response.chunked = true;
        for (;;) {
            const std::string chunk = readChunk(until);
            if (chunk.empty()) break;
            response.body += chunk;
        }
    } else {
        while (receive(until, "body up to the end of the connection")) {
        }
        response.body = std::exchange(_input, {});
    }
    return response;
}

RawResponse RawClient::get(std::string_view target, std::string_view headers) {
    request("GET", target, headers);
    return readResponse();
}

RawResponse RawClient::post(std::string_view target, std::string_view body,
                            std::string_view headers) {
    request("POST", target, headers, body);
    return readResponse("POST");
}

std::string RawClient::readExactly(std::size_t size) { return take(size, end(), "bytes"); }

std::string RawClient::readToEnd() {
    const TimePoint until = end();
    while (receive(until, "end of the stream")) {
    }
    return std::exchange(_input, {});
}

bool RawClient::readable(std::chrono::milliseconds time) {
    if (!_input.empty()) return true;
    pollfd entry{_descriptor, POLLIN, 0};
    return ::poll(&entry, 1, static_cast<int>(time.count())) > 0;
}

bool RawClient::closedWithin(std::chrono::milliseconds time) {
    if (!_input.empty() || !readable(time)) return false;
    char byte;
    const ssize_t size = ::recv(_descriptor, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return size == 0 || (size < 0 && errno == ECONNRESET);
}

std::string RawClient::upgradeRequest(std::string_view target, std::string_view headers) {
    return requestBytes("GET", target,
                        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n" +
                            std::string(headers));
}

RawResponse RawClient::upgrade(std::string_view target, std::string_view headers) {
    send(upgradeRequest(target, headers));
    RawResponse response = readResponse();
    if (response.status != 101) fail("upgrade answered " + std::to_string(response.status));
    if (response.header("Sec-WebSocket-Accept") != upgradeAccept())
        fail("wrong Sec-WebSocket-Accept");
    return response;
}

std::string RawClient::frame(int opcode, std::string_view payload, bool final) {
    std::string bytes;
    bytes += static_cast<char>((final ? 0x80 : 0) | opcode);
    const std::uint64_t size = payload.size();
    const int lengthBytes = size < 126 ? 0 : size < 65'536 ? 2 : 8;
    bytes += static_cast<char>(0x80 | (lengthBytes == 0   ? static_cast<int>(size)
                                       : lengthBytes == 2 ? 126
                                                          : 127));
    for (int i = lengthBytes - 1; i >= 0; --i) bytes += static_cast<char>(size >> (8 * i));
    const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    bytes.append(reinterpret_cast<const char*>(mask), 4);
    for (std::size_t i = 0; i < payload.size(); ++i)
        bytes += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ mask[i % 4]);
    return bytes;
}

void RawClient::sendClose(int code, std::string_view reason) {
    std::string payload;
    payload += static_cast<char>(code >> 8);
    payload += static_cast<char>(code & 0xff);
    sendFrame(RawFrame::Close, payload.append(reason));
}

RawFrame RawClient::readFrame() {
    const TimePoint until = end();
    RawFrame frame;
    const std::string head = take(2, until, "frame header");
    const auto first = static_cast<unsigned char>(head[0]);
    const auto second = static_cast<unsigned char>(head[1]);
    frame.opcode = first & 0x0f;
    frame.final = (first & 0x80) != 0;
    frame.reserved = (first >> 4) & 7;
    frame.masked = (second & 0x80) != 0;
    std::uint64_t size = second & 0x7f;
    if (size >= 126) {
        const std::string length = take(size == 126 ? 2 : 8, until, "frame length");
        size = 0;
        for (const char c : length) size = size << 8 | static_cast<unsigned char>(c);
    }
    if (frame.masked) take(4, until, "mask");
    frame.payload = take(size, until, "frame payload");
    return frame;
}

std::string RawClient::readText() {
    RawFrame frame = readFrame();
    if (frame.opcode != RawFrame::Text || !frame.final)
        fail("not a text frame: opcode " + std::to_string(frame.opcode));
    return std::move(frame.payload);
}

void RawClient::shutdownWrite() { ::shutdown(_descriptor, SHUT_WR); }

void RawClient::reset() {
    const linger hard{1, 0};
    ::setsockopt(_descriptor, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
}

void RawClient::close() {
    if (_descriptor >= 0) ::close(std::exchange(_descriptor, -1));
}

std::uint16_t RawClient::localPort() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(_descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.ss_family == AF_INET6
                     ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                     : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

}  // namespace socketio::test
