#include "PocoTakeover.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <string>
#include <sys/socket.h>
#include <utility>

#include <Poco/Exception.h>
#include <Poco/Logger.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponseImpl.h>
#include <Poco/Net/HTTPServerSession.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <Poco/Runnable.h>

#include "socketio/base/Log.h"

#include "PocoExchange.h"

namespace socketio {

namespace {

using Poco::Net::HTTPResponse;

Poco::Logger& logger() { return Poco::Logger::get("socketio.poco"); }

/// A request that POCO's WebSocket may cast, with what the environ says about it.
class TakenRequest final : public Poco::Net::HTTPServerRequestImpl {
public:
    TakenRequest(Poco::Net::HTTPServerResponseImpl& response, Poco::Net::HTTPServerSession& session,
                 Poco::Net::HTTPServerParams* params, const Environ& variables)
        : HTTPServerRequestImpl(response, session, params),
          _client(clientOf(variables)),
          _server(serverOf(variables)),
          _secure(variables.secure()) {
        copyEnviron(variables, *this);
    }

    const Poco::Net::SocketAddress& clientAddress() const override { return _client; }
    const Poco::Net::SocketAddress& serverAddress() const override { return _server; }
    bool secure() const override { return _secure; }

private:
    const Poco::Net::SocketAddress _client, _server;
    const bool _secure;
};

}  // namespace

void logHandlerFailure(const Environ& request) {
    logger().error("handler of " + std::string(request.path()) + " failed: " + exceptionText());
}

/// A connection that the hub has let go of: gives the bytes that were read ahead first.
class PocoTakeover::Socket final : public Poco::Net::StreamSocketImpl {
public:
    Socket(std::shared_ptr<PocoTakeover> owner, int descriptor, std::string ahead)
        : StreamSocketImpl(descriptor), _owner(std::move(owner)), _ahead(std::move(ahead)) {
        setBlocking(true);
        MutexLock lock(_owner->_mutex);
        _owner->_sockets.push_back(this);
        if (_owner->_stopping) ::shutdown(sockfd(), SHUT_RD);
    }

    int receiveBytes(void* buffer, int length, int flags) override {
        if (_ahead.empty()) return StreamSocketImpl::receiveBytes(buffer, length, flags);
        const std::size_t size = std::min(_ahead.size(), static_cast<std::size_t>(length));
        std::memcpy(buffer, _ahead.data(), size);
        if (!(flags & MSG_PEEK)) _ahead.erase(0, size);
        return static_cast<int>(size);
    }
    int available() override {
        return static_cast<int>(_ahead.size()) + StreamSocketImpl::available();
    }
    bool poll(const Poco::Timespan& timeout, int mode) override {
        if (!_ahead.empty() && (mode & SELECT_READ)) return true;
        return StreamSocketImpl::poll(timeout, mode);
    }

private:
    ~Socket() override {
        MutexLock lock(_owner->_mutex);
        std::erase(_owner->_sockets, this);
    }

    const std::shared_ptr<PocoTakeover> _owner;
    std::string _ahead;
};

/// One of the handlers that may run at a time.
class PocoTakeover::Place {
public:
    /// Null when all are taken.
    static std::shared_ptr<Place> take(const std::shared_ptr<PocoTakeover>& owner) {
        MutexLock lock(owner->_mutex);
        if (owner->_stopping || owner->_active >= owner->_most) return nullptr;
        ++owner->_active;
        return std::shared_ptr<Place>(new Place(owner));
    }
    ~Place() {
        MutexLock lock(_owner->_mutex);
        --_owner->_active;
        _owner->_changed.notifyAll();
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

private:
    explicit Place(std::shared_ptr<PocoTakeover> owner) : _owner(std::move(owner)) {}
    const std::shared_ptr<PocoTakeover> _owner;
};

/// A handshake and all that its handler makes of it.
///
/// Owner: itself, once its thread runs.
class PocoTakeover::Conversation final : public Poco::Runnable {
public:
    Conversation(const std::shared_ptr<PocoTakeover>& owner, std::shared_ptr<Place> place,
                 std::shared_ptr<const Environ> variables, DetachedConnection connection)
        : _owner(owner),
          _place(std::move(place)),
          _environ(std::move(variables)),
          _connection(std::move(connection)) {}

    void run() override {
        const std::unique_ptr<Conversation> self(this);
        try {
            serve();
        } catch (...) {
            logHandlerFailure(*_environ);
        }
    }

private:
    void serve() {
        // POCO reads a head as short as can be. The headers are set as they were validated: reading
        // them would undo RFC 2047 words, line breaks included.
        std::string input =
            std::string(_environ->method()) + " / " + "HTTP/1.1\r\n\r\n" + _connection.input;
        Poco::Net::HTTPServerSession session(
            Poco::Net::StreamSocket(new Socket(_owner, _connection.release(), std::move(input))),
            _owner->_params);
        Poco::Net::HTTPServerResponseImpl response(session);
        TakenRequest request(response, session, _owner->_params.get(), *_environ);
        response.setVersion(request.getVersion());
        response.setKeepAlive(false);
        response.setDate(Poco::Timestamp());
        if (const std::string& server = _owner->_params->getSoftwareVersion(); !server.empty())
            response.set("Server", server);
        try {
            const std::unique_ptr<Poco::Net::HTTPRequestHandler> handler(
                _owner->_factory->createRequestHandler(request));
            if (handler)
                handler->handleRequest(request, response);
            else
                answer(response, HTTPResponse::HTTP_NOT_IMPLEMENTED);
        } catch (...) {
            logHandlerFailure(*_environ);
            if (!response.sent()) answer(response, HTTPResponse::HTTP_INTERNAL_SERVER_ERROR);
        }
    }

    static void answer(Poco::Net::HTTPServerResponse& response, HTTPResponse::HTTPStatus status) {
        response.setStatusAndReason(status);
        response.setContentLength(0);
        response.send();
    }

    const std::shared_ptr<PocoTakeover> _owner;
    const std::shared_ptr<Place> _place;
    const std::shared_ptr<const Environ> _environ;
    DetachedConnection _connection;
};

PocoTakeover::PocoTakeover(Poco::Net::HTTPRequestHandlerFactory::Ptr factory,
                           Poco::Net::HTTPServerParams::Ptr params, std::size_t most)
    : _factory(std::move(factory)), _params(std::move(params)), _most(most) {
    // Twice as many as may run: a thread is free a little later than its place.
    if (most > 0) _threads = std::make_unique<Poco::ThreadPool>(1, static_cast<int>(2 * most));
}

void PocoTakeover::releaseThreads() {
    if (active() > 0) (void)_threads.release();
    _threads.reset();
}

std::size_t PocoTakeover::active() const {
    MutexLock lock(_mutex);
    return _active;
}

void PocoTakeover::begin(const Exchange::Ptr& exchange) {
    auto place = Place::take(shared_from_this());
    if (!place) {
        logger().warning("a WebSocket was refused: maxWebSockets are open");
        exchange->respond(Response::text(503, reasonPhrase(503)));
        return;
    }
    exchange->detach([self = shared_from_this(), place = std::move(place),
                      variables = exchange->sharedEnviron()](DetachedConnection connection) {
        auto conversation =
            std::make_unique<Conversation>(self, place, variables, std::move(connection));
        try {
            self->_threads->start(*conversation, "socketio-poco");
            (void)conversation.release();
        } catch (const Poco::Exception& e) {  // the connection is closed
            logger().error("no thread for a WebSocket: " + e.displayText());
        }
    });
}

void PocoTakeover::shutDown(int how) {
    for (Socket* const socket : _sockets) ::shutdown(socket->sockfd(), how);
}

bool PocoTakeover::stop(TimePoint deadline) {
    const TimePoint now = Clock::system().now();
    const TimePoint gentle = now + (deadline - now) * 7 / 10;
    MutexLock lock(_mutex);
    _stopping = true;
    shutDown(SHUT_RD);
    while (_active > 0 && _changed.waitUntil(_mutex, gentle)) {
    }
    if (_active > 0) shutDown(SHUT_RDWR);
    while (_active > 0 && _changed.waitUntil(_mutex, deadline)) {
    }
    if (_active > 0) logger().warning("handlers of WebSockets have not returned");
    return _active == 0;
}

}  // namespace socketio
