#include "AmqpConnection.h"

#include <algorithm>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <utility>

#include <Poco/Exception.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "socketio/base/Log.h"

namespace socketio::amqp {

namespace {

constexpr int kFrameMax = 131'072;
constexpr std::size_t kLogText = 300;

timeval timevalOf(Duration time) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    return {us / 1'000'000, us % 1'000'000};
}

int millisecondsOf(Duration time) {
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
}

[[noreturn]] void fail(const std::string& why, int code = 0) {
    throw Poco::IOException(escapedForLog(why, kLogText), code);
}

template <class Close>
[[noreturn]] void failAsClosed(const Close& close) {
    fail("the broker says: " + textOf(close.reply_text), close.reply_code);
}

amqp_table_entry_t entry(const char* key, bool value) {
    amqp_table_entry_t out{};
    out.key = amqp_cstring_bytes(key);
    out.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    out.value.value.boolean = value;
    return out;
}

amqp_table_entry_t entry(const char* key, const std::string& value) {
    amqp_table_entry_t out{};
    out.key = amqp_cstring_bytes(key);
    out.value.kind = AMQP_FIELD_KIND_UTF8;
    out.value.value.bytes = bytesOf(value);
    return out;
}

}  // namespace

amqp_bytes_t bytesOf(const std::string& text) {
    return {text.size(), const_cast<char*>(text.data())};
}

std::string textOf(amqp_bytes_t bytes) {
    return std::string(static_cast<const char*>(bytes.bytes), bytes.len);
}

/// Sees the handshake from inside of rabbitmq-c: its descriptor, so that it can be interrupted, and
/// what is wrong with the certificate.
class AmqpConnection::TlsWatch {
public:
    TlsWatch(AmqpConnection& connection, SSL_CTX* context)
        : _connection(connection), _context(context) {
        SSL_CTX_set_app_data(_context, this);
        SSL_CTX_set_info_callback(_context, [](const SSL* ssl, int, int) {
            auto& self = *static_cast<TlsWatch*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
            if (!self._exposed && !self._connection.expose(SSL_get_fd(ssl)))
                ::shutdown(SSL_get_fd(ssl), SHUT_RDWR);
            self._exposed = true;
            self._verifyResult = SSL_get_verify_result(ssl);
        });
    }
    ~TlsWatch() { SSL_CTX_set_info_callback(_context, nullptr); }
    TlsWatch(const TlsWatch&) = delete;
    TlsWatch& operator=(const TlsWatch&) = delete;

    long verifyResult() const { return _verifyResult; }

private:
    AmqpConnection& _connection;
    SSL_CTX* const _context;
    bool _exposed = false;
    long _verifyResult = X509_V_OK;
};

AmqpConnection::AmqpConnection(const AmqpUrl& url, const AmqpOptions& options)
    : _url(url), _options(options), _wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!_wake.valid()) throw Poco::SystemException("eventfd", errno);
}

AmqpConnection::~AmqpConnection() { drop(); }

void AmqpConnection::open(const std::string& name) {
    drop();
    _state = amqp_new_connection();
    if (_state == nullptr) throw Poco::OutOfMemoryException("AMQP connection");
    const timeval timeout = timevalOf(_options.timeout);
    amqp_set_handshake_timeout(_state, &timeout);
    amqp_set_rpc_timeout(_state, &timeout);
    try {
        connect();
    } catch (const Poco::Exception& e) {
        fail("cannot connect to " + _url.text() + ": " + e.message());
    }
    logIn(name);
    amqp_channel_open(_state, kChannel);
    checkAnswer("open a channel");
}

void AmqpConnection::close() noexcept {
    if (_state != nullptr) amqp_connection_close(_state, AMQP_REPLY_SUCCESS);
    drop();
}

void AmqpConnection::drop() noexcept {
    if (_state == nullptr) return;
    expose(-1);
    amqp_destroy_connection(_state);
    _state = nullptr;
}

void AmqpConnection::connect() {
    if (_url.tls)
        connectTls();
    else
        connectPlain();
    if (!expose(amqp_get_sockfd(_state))) fail("interrupted");
}

void AmqpConnection::connectPlain() {
    // By hand, for rabbitmq-c could not be interrupted and would not say what was wrong.
    amqp_socket_t* const socket = amqp_tcp_socket_new(_state);
    if (socket == nullptr) throw Poco::OutOfMemoryException("AMQP socket");
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int unknown =
        ::getaddrinfo(_url.host.c_str(), std::to_string(_url.port).c_str(), &hints, &found);
    if (unknown != 0) fail(::gai_strerror(unknown));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);

    const TimePoint deadline = Clock::system().now() + _options.timeout;
    int error = 0;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        FileDescriptor descriptor(
            ::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!descriptor.valid()) {
            error = errno;
            continue;
        }
        if (!expose(descriptor.get())) fail("interrupted");
        error = ::connect(descriptor.get(), each->ai_addr, each->ai_addrlen) == 0 ? 0 : errno;
        if (error == EINPROGRESS) {
            pollfd ready{descriptor.get(), POLLOUT, 0};
            const Duration left = std::max(deadline - Clock::system().now(), Duration(0));
            socklen_t length = sizeof error;
            if (::poll(&ready, 1, millisecondsOf(left)) == 0)
                error = ETIMEDOUT;
            else
                ::getsockopt(descriptor.get(), SOL_SOCKET, SO_ERROR, &error, &length);
        }
        if (error == 0) {
            const int on = 1;
            ::setsockopt(descriptor.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            amqp_tcp_socket_set_sockfd(socket, descriptor.release());
            return;
        }
    }
    fail(std::strerror(error));
}

void AmqpConnection::connectTls() {
    amqp_socket_t* const socket = amqp_ssl_socket_new(_state);
    if (socket == nullptr) throw Poco::OutOfMemoryException("AMQP socket");
    SSL_CTX* const context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket));
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    // OpenSSL verifies in the handshake, names and addresses alike; rabbitmq-c would do it after
    // the handshake, and names only.
    amqp_ssl_socket_set_verify_peer(socket, 0);
    amqp_ssl_socket_set_verify_hostname(socket, 0);
    if (_url.verify) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        X509_VERIFY_PARAM* const expected = SSL_CTX_get0_param(context);
        if (X509_VERIFY_PARAM_set1_ip_asc(expected, _url.host.c_str()) != 1 &&
            X509_VERIFY_PARAM_set1_host(expected, _url.host.data(), _url.host.size()) != 1)
            fail("the host is no name to verify");
        if (_url.caFile.empty() ? SSL_CTX_set_default_verify_paths(context) != 1
                                : amqp_ssl_socket_set_cacert(socket, _url.caFile.c_str()) != 0)
            fail("cannot read certificates from " + _url.caFile);
    }
    if (!_url.certificateFile.empty() &&
        amqp_ssl_socket_set_key(socket, _url.certificateFile.c_str(), _url.keyFile.c_str()) != 0)
        fail("cannot use " + _url.certificateFile + " with " + _url.keyFile);

    const TlsWatch watch(*this, context);
    const timeval timeout = timevalOf(_options.timeout);
    const int status = amqp_socket_open_noblock(socket, _url.host.c_str(), _url.port, &timeout);
    if (status == AMQP_STATUS_OK) return;
    if (watch.verifyResult() != X509_V_OK)
        fail(X509_verify_cert_error_string(watch.verifyResult()));
    fail(amqp_error_string2(status));
}

void AmqpConnection::logIn(const std::string& name) {
    // What we understand, so that the broker says it.
    amqp_table_entry_t abilities[] = {entry("connection.blocked", true),
                                      entry("consumer_cancel_notify", true),
                                      entry("publisher_confirms", true), entry("basic.nack", true)};
    amqp_table_entry_t properties[2] = {entry("connection_name", name), {}};
    properties[1].key = amqp_cstring_bytes("capabilities");
    properties[1].value.kind = AMQP_FIELD_KIND_TABLE;
    properties[1].value.value.table = {std::size(abilities), abilities};
    const amqp_table_t table{std::size(properties), properties};
    const int heartbeat = static_cast<int>(_options.heartbeat.count());
    checkReply(amqp_login_with_properties(_state, _url.virtualHost.c_str(), kChannel, kFrameMax,
                                          heartbeat, &table, AMQP_SASL_METHOD_PLAIN,
                                          _url.user.c_str(), _url.password.c_str()),
               "log in");
}

void AmqpConnection::checkAnswer(const char* doing) const {
    checkReply(amqp_get_rpc_reply(_state), doing);
}

void AmqpConnection::checkReply(const amqp_rpc_reply_t& reply, const char* doing) const {
    const std::string to = std::string("cannot ") + doing + ": ";
    switch (reply.reply_type) {
        case AMQP_RESPONSE_NORMAL:
            return;
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
                failAsClosed(*static_cast<amqp_connection_close_t*>(reply.reply.decoded));
            if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD)
                failAsClosed(*static_cast<amqp_channel_close_t*>(reply.reply.decoded));
            fail(to + "the broker refuses");
        case AMQP_RESPONSE_LIBRARY_EXCEPTION:
            fail(to + amqp_error_string2(reply.library_error));
        case AMQP_RESPONSE_NONE:
            break;
    }
    fail(to + "no answer");
}

void AmqpConnection::checkSent(int status) const {
    if (status != AMQP_STATUS_OK) fail(std::string("cannot send: ") + amqp_error_string2(status));
}

std::optional<amqp_frame_t> AmqpConnection::next() {
    amqp_maybe_release_buffers(_state);
    amqp_frame_t frame;
    const timeval now{0, 0};
    const int status = amqp_simple_wait_frame_noblock(_state, &frame, &now);
    if (status == AMQP_STATUS_TIMEOUT) return std::nullopt;
    if (status != AMQP_STATUS_OK)
        fail(std::string("the connection is lost: ") + amqp_error_string2(status));
    if (frame.frame_type == AMQP_FRAME_METHOD) {
        const amqp_method_t& method = frame.payload.method;
        if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
            amqp_connection_close_ok_t answer{};
            amqp_send_method(_state, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &answer);
            failAsClosed(*static_cast<amqp_connection_close_t*>(method.decoded));
        }
        if (method.id == AMQP_CHANNEL_CLOSE_METHOD)
            failAsClosed(*static_cast<amqp_channel_close_t*>(method.decoded));
    }
    return frame;
}

void AmqpConnection::wait(Duration time) {
    pollfd ready[] = {{_wake.get(), POLLIN, 0},
                      {_state != nullptr ? amqp_get_sockfd(_state) : -1, POLLIN, 0}};
    ::poll(ready, 2, millisecondsOf(time));
    if (ready[0].revents == 0) return;
    eventfd_t count;
    ::eventfd_read(_wake.get(), &count);
}

void AmqpConnection::wake() const noexcept { ::eventfd_write(_wake.get(), 1); }

void AmqpConnection::interrupt() noexcept {
    MutexLock lock(_mutex);
    _interrupted = true;
    if (_exposed.valid()) ::shutdown(_exposed.get(), SHUT_RDWR);
}

bool AmqpConnection::expose(int descriptor) {
    // A duplicate, as rabbitmq-c closes its own when it likes, and the number may be another
    // file's.
    FileDescriptor duplicate(descriptor < 0 ? -1 : ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    MutexLock lock(_mutex);
    _exposed = std::move(duplicate);
    return !_interrupted;
}

}  // namespace socketio::amqp
