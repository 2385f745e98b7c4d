#include "socketio/middleware/MountFactory.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <Poco/Buffer.h>
#include <Poco/Exception.h>
#include <Poco/Logger.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/HTTPServerSession.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <Poco/String.h>

#include "socketio/base/Text.h"
#include "socketio/exchange/Environ.h"

#include "PathPrefix.h"

namespace socketio {

namespace {

using Poco::Net::HTTPResponse;
using Poco::Net::HTTPServerRequest;
using Poco::Net::HTTPServerRequestImpl;
using Poco::Net::HTTPServerResponse;

constexpr std::size_t kMaxHead = 64 * 1024;
constexpr std::size_t kRelayBytes = 16 * 1024;

Poco::Logger& logger() { return Poco::Logger::get("socketio.mount"); }

/// The path of a request's target, decoded; of an absolute one without scheme and host.
std::string pathOf(std::string_view target) {
    if (const std::size_t scheme = target.find("://");
        !target.starts_with('/') && scheme != target.npos) {
        const std::size_t path = target.find('/', scheme + 3);
        target = path == target.npos ? "/" : target.substr(path);
    }
    return percentDecode(target.substr(0, target.find_first_of("?#")));
}

/// The request as it came, as far as POCO still knows; empty when it cannot be written so.
std::string headOf(const HTTPServerRequest& request) {
    std::string head = request.getMethod() + " " + request.getURI() + " " + request.getVersion();
    bool clean = !breaksLines(head);
    head += "\r\n";
    for (const auto& [name, value] : request) {
        // The server has said 100 Continue already.
        if (Poco::icompare(name, "Expect") == 0) continue;
        clean = clean && !breaksLines(name) && !breaksLines(value);
        head.append(name).append(": ").append(value).append("\r\n");
    }
    head += "\r\n";
    return clean ? head : std::string();
}

void refuse(HTTPServerResponse& response, HTTPResponse::HTTPStatus status) {
    response.setStatusAndReason(status);
    response.setKeepAlive(false);
    response.setContentLength(0);
    response.send();
}

/// Carries bytes between a connection of POCO's, which it reads and writes through POCO, and a
/// descriptor of ours, until either has ended.
class Relay {
public:
    Relay(Poco::Net::StreamSocket remote, int local) : _remote(std::move(remote)), _local(local) {}
    ~Relay() { ::close(_local); }
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    void run() {
        while (step()) {
        }
    }

private:
    bool step() {
        const bool mayReceive = _toLocal.empty() && !_remoteEnded;
        // TLS may have decrypted more than it has given out.
        if (mayReceive && _remote.available() > 0) return receive();
        pollfd entries[] = {
            {_local, static_cast<short>(POLLIN | (_toLocal.empty() ? 0 : POLLOUT)), 0},
            {mayReceive ? _remote.impl()->sockfd() : -1, POLLIN, 0}};
        if (::poll(entries, 2, -1) < 0) return errno == EINTR;
        if (entries[0].revents & POLLOUT && !sendToLocal()) return false;
        if (entries[0].revents & (POLLIN | POLLHUP | POLLERR) && !sendToRemote()) return false;
        return !entries[1].revents || receive();
    }

    bool receive() {
        char bytes[kRelayBytes];
        try {
            const int size = _remote.receiveBytes(bytes, sizeof bytes);
            if (size > 0) {
                _toLocal.assign(bytes, static_cast<std::size_t>(size));
                return sendToLocal();
            }
        } catch (const Poco::TimeoutException&) {
            return true;  // a part of a TLS record
        }
        _remoteEnded = true;
        ::shutdown(_local, SHUT_WR);
        return true;
    }

    bool sendToLocal() {
        const ssize_t sent =
            ::send(_local, _toLocal.data(), _toLocal.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) return errno == EAGAIN || errno == EINTR;
        _toLocal.erase(0, static_cast<std::size_t>(sent));
        return true;
    }

    bool sendToRemote() {
        char bytes[kRelayBytes];
        const ssize_t size = ::recv(_local, bytes, sizeof bytes, MSG_DONTWAIT);
        if (size < 0) return errno == EAGAIN || errno == EINTR;
        if (size == 0) return false;
        for (int sent = 0; sent < size;)
            sent += _remote.sendBytes(bytes + sent, static_cast<int>(size) - sent);
        return true;
    }

    Poco::Net::StreamSocket _remote;
    const int _local;
    std::string _toLocal;
    bool _remoteEnded = false;
};

class Mover : public Poco::Net::HTTPRequestHandler {
public:
    explicit Mover(ConnectionSink& sink) : _sink(sink) {}

    void handleRequest(HTTPServerRequest& request, HTTPServerResponse& response) override {
        auto* const impl = dynamic_cast<HTTPServerRequestImpl*>(&request);
        if (!impl)
            throw Poco::IllegalStateException("MountFactory works in a Poco::Net::HTTPServer only");
        std::string input = headOf(request);
        if (input.empty()) return refuse(response, HTTPResponse::HTTP_BAD_REQUEST);
        if (input.size() > kMaxHead)
            return refuse(response, HTTPResponse::HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE);
        Poco::Buffer<char> ahead(0);
        impl->session().drainBuffer(ahead);
        input.append(ahead.begin(), ahead.size());
        if (request.secure())
            relay(*impl, std::move(input), response);
        else
            move(*impl, std::move(input), response);
    }

private:
    void move(HTTPServerRequestImpl& request, std::string input, HTTPServerResponse& response) {
        // The server's own descriptor is closed when its thread is done with the connection.
        const int descriptor = ::fcntl(request.socket().impl()->sockfd(), F_DUPFD_CLOEXEC, 0);
        if (descriptor < 0) return noRoom(response);
        DetachedConnection connection(descriptor, std::move(input));
        if (!_sink.adopt(connection)) return noRoom(response);
        request.detachSocket();
    }

    void relay(HTTPServerRequestImpl& request, std::string input, HTTPServerResponse& response) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            return noRoom(response);
        DetachedConnection connection(ends[0], std::move(input));
        connection.relayed = true;
        connection.addresses = {.peer = request.clientAddress().host().toString(),
                                .local = request.serverAddress().host().toString(),
                                .peerPort = request.clientAddress().port(),
                                .localPort = request.serverAddress().port(),
                                .secure = true};
        DetachedConnection other(ends[1]);
        if (!_sink.adopt(connection)) return noRoom(response);
        Relay relay(request.detachSocket(), other.release());
        try {
            relay.run();
        } catch (const Poco::Exception& e) {  // the peer is gone
            if (logger().debug()) logger().debug("connection lost: " + e.displayText());
        }
    }

    static void noRoom(HTTPServerResponse& response) {
        logger().warning("a Socket.IO connection was refused: no room, or not running");
        refuse(response, HTTPResponse::HTTP_SERVICE_UNAVAILABLE);
    }

    ConnectionSink& _sink;
};

}  // namespace

MountFactory::MountFactory(Poco::Net::HTTPRequestHandlerFactory::Ptr wrapped, ConnectionSink& sink,
                           std::string_view path)
    : _wrapped(std::move(wrapped)), _sink(sink), _prefix(pathPrefix(path)) {
    if (!_wrapped) throw Poco::InvalidArgumentException("MountFactory: no factory to wrap");
}

Poco::Net::HTTPRequestHandler* MountFactory::createRequestHandler(
    const HTTPServerRequest& request) {
    const std::string path = pathOf(request.getURI());
    // Without the slash at its end, too: the Middleware behind decides on it.
    const bool ours = path.starts_with(_prefix) || path + "/" == _prefix;
    if (ours) return new Mover(_sink);
    return _wrapped->createRequestHandler(request);
}

}  // namespace socketio
