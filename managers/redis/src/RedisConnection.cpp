#include "RedisConnection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/SSLException.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "socketio/base/Log.h"
#include "socketio/base/Text.h"

namespace socketio {

namespace {

using Poco::Net::Context;
using Poco::Net::SSLContextException;

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::size_t kShownBytes = 200;  // of what Redis says

[[noreturn]] void fail(const std::string& why) { throw Poco::IOException(why); }

/// "Connection refused" amid a sentence.
std::string systemError(int number) {
    std::string text = std::strerror(number);
    text[0] = lowerCase(text[0]);
    return text;
}

/// The first error is the cause, the others say where it passed.
std::string opensslReason() {
    const unsigned long code = ERR_get_error();
    const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    ERR_clear_error();
    return reason ? reason : "unknown reason";
}

[[noreturn]] void refuseFile(const char* what, const std::string& path) {
    throw SSLContextException(std::string("cannot use the ") + what + " " + path, opensslReason());
}

bool isAddress(const std::string& host) {
    unsigned char bytes[sizeof(in6_addr)];
    return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

Context::Ptr makeRedisTls(const RedisUrl& url) {
    if (!url.tls) return nullptr;
    ERR_clear_error();
    Context::Params params;
    params.verificationMode = Context::VERIFY_NONE;
    params.loadDefaultCAs = url.verify && url.caFile.empty();
    params.dhUse2048Bits = true;
    Context::Ptr context = new Context(Context::TLS_CLIENT_USE, params);
    SSL_CTX* const ssl = context->sslContext();
    if (!url.caFile.empty() && SSL_CTX_load_verify_file(ssl, url.caFile.c_str()) != 1)
        refuseFile("CA file", url.caFile);
    if (!url.certificateFile.empty()) {
        if (SSL_CTX_use_certificate_chain_file(ssl, url.certificateFile.c_str()) != 1)
            refuseFile("certificate", url.certificateFile);
        // Without a callback OpenSSL asks for a passphrase on the terminal.
        SSL_CTX_set_default_passwd_cb(ssl, [](char*, int, int, void*) { return -1; });
        if (SSL_CTX_use_PrivateKey_file(ssl, url.keyFile.c_str(), SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_check_private_key(ssl) != 1)
            refuseFile("private key", url.keyFile);
    }
    // Not POCO's callback, which asks on the console.
    SSL_CTX_set_verify(ssl, url.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

RedisConnection::RedisConnection(const RedisEndpoint& endpoint)
    : _endpoint(endpoint),
      _reader(endpoint.keepBytes),
      _buffer(std::make_unique<char[]>(kBufferBytes)) {}

RedisConnection::~RedisConnection() {
    if (_sound) SSL_shutdown(_ssl);  // says so; nobody waits for the answer
    SSL_free(_ssl);
    ERR_clear_error();
}

void RedisConnection::open(HostLookup& lookup) {
    const TimePoint deadline = Clock::system().now() + _endpoint.options.connectTimeout;
    connect(lookup, deadline);
    if (_endpoint.url.tls) handshake(deadline);
    signIn();
}

void RedisConnection::connect(HostLookup& lookup, TimePoint deadline) {
    std::vector<HostLookup::Address> addresses;
    if (_endpoint.url.path.empty()) {
        addresses = lookup.find(_endpoint.stop, deadline);
    } else {
        HostLookup::Address address;
        auto& local = reinterpret_cast<sockaddr_un&>(address.storage);
        local.sun_family = AF_UNIX;
        const std::string& path = _endpoint.url.path;
        std::memcpy(local.sun_path, path.c_str(), path.size() + 1);
        address.size = sizeof local;
        addresses.push_back(address);
    }
    std::string problem;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        // One that does not answer leaves the next its share of the time.
        const TimePoint now = Clock::system().now();
        const auto share = (deadline - now) / static_cast<int>(addresses.size() - i);
        if (connectTo(addresses[i], now + share, problem)) return;
    }
    fail(problem);
}

bool RedisConnection::connectTo(const HostLookup::Address& address, TimePoint deadline,
                                std::string& problem) {
    const int family = address.storage.ss_family;
    _socket = FileDescriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto* const to = reinterpret_cast<const sockaddr*>(&address.storage);
    int error = 0;
    if (!_socket.valid() || ::connect(_socket.get(), to, address.size) != 0) error = errno;
    if (error == EINPROGRESS) {
        error = ETIMEDOUT;
        if (_endpoint.stop.wait(_socket.get(), POLLOUT, deadline)) {
            socklen_t size = sizeof error;
            ::getsockopt(_socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        }
    }
    if (error != 0) {
        problem = systemError(error);
        return false;
    }
    const int on = 1;
    if (family != AF_UNIX) ::setsockopt(_socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

void RedisConnection::handshake(TimePoint deadline) {
    const RedisUrl& url = _endpoint.url;
    ERR_clear_error();
    _ssl = SSL_new(_endpoint.tls->sslContext());
    if (!_ssl || SSL_set_fd(_ssl, _socket.get()) != 1) fail("TLS: " + opensslReason());
    const bool address = isAddress(url.host);
    // RFC 6066 §3: names only.
    if (!address) SSL_set_tlsext_host_name(_ssl, url.host.c_str());
    if (url.verify && url.checkHostname) {
        SSL_set_hostflags(_ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        const int set = address
                            ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(_ssl), url.host.c_str())
                            : SSL_set1_host(_ssl, url.host.c_str());
        if (set != 1) fail("TLS: " + opensslReason());
    }
    for (;;) {
        ERR_clear_error();  // what another connection left behind would be taken for ours
        const int result = SSL_connect(_ssl);
        if (result == 1) break;
        const long verified = SSL_get_verify_result(_ssl);
        if (url.verify && verified != X509_V_OK) {
            ERR_clear_error();
            fail(std::string("TLS: the server's certificate: ") +
                 X509_verify_cert_error_string(verified));
        }
        tlsWouldBlock(result);
        if (!_endpoint.stop.wait(_socket.get(), _wanted, deadline))
            fail("the TLS handshake took too long");
    }
    _sound = true;
}

bool RedisConnection::tlsWouldBlock(int result) {
    const int system = errno;
    switch (SSL_get_error(_ssl, result)) {
        case SSL_ERROR_WANT_READ:
            _wanted = POLLIN;
            return true;
        case SSL_ERROR_WANT_WRITE:
            _wanted = POLLOUT;
            return true;
        case SSL_ERROR_ZERO_RETURN:
            fail("the server closed the connection");
        case SSL_ERROR_SYSCALL:
            _sound = false;
            fail(system == 0 ? "the server closed the connection" : systemError(system));
        default:
            _sound = false;
            if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
                ERR_clear_error();
                fail("the server closed the connection");
            }
            fail("TLS: " + opensslReason());
    }
}

void RedisConnection::signIn() {
    const RedisUrl& url = _endpoint.url;
    const bool authenticate = !url.user.empty() || !url.password.empty();
    std::string commands;
    if (authenticate && url.user.empty()) appendRedisCommand(commands, {"AUTH", url.password});
    if (authenticate && !url.user.empty())
        appendRedisCommand(commands, {"AUTH", url.user, url.password});
    // Pub/sub knows no databases, but one that does not exist is a mistake that should be told.
    if (url.database != 0) appendRedisCommand(commands, {"SELECT", std::to_string(url.database)});
    // Whether commands are taken at all: not without a password, nor while data is being loaded.
    appendRedisCommand(commands, {"PING"});
    send(commands);
    if (authenticate) {
        RedisReply reply = answer();
        // Servers that do not know AUTH repeat what was said to them.
        if (reply.type == RedisReply::Type::Error) {
            reply.text = reply.text.substr(0, reply.text.find(", with args"));
            if (!url.password.empty() && reply.text.find(url.password) != reply.text.npos)
                reply.text = reply.text.substr(0, reply.text.find(' '));
            if (!url.password.empty() && reply.text.find(url.password) != reply.text.npos)
                reply.text = "AUTH was refused";
        }
        requireRedisReply(reply, RedisReply::Type::Text);
    }
    if (url.database != 0) requireRedisReply(answer(), RedisReply::Type::Text);
    requireRedisReply(answer(), RedisReply::Type::Text);
}

std::size_t RedisConnection::readSome(char* to, std::size_t room) {
    if (_ssl) {
        ERR_clear_error();
        errno = 0;
        const int got = SSL_read(_ssl, to, static_cast<int>(room));
        if (got <= 0) tlsWouldBlock(got);
        return static_cast<std::size_t>(std::max(got, 0));
    }
    const ssize_t got = ::recv(_socket.get(), to, room, 0);
    if (got == 0) fail("the server closed the connection");
    if (got > 0) return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EINTR) fail(systemError(errno));
    _wanted = POLLIN;
    return 0;
}

std::size_t RedisConnection::writeSome(std::string_view bytes) {
    if (_ssl) {
        constexpr std::size_t kRecord = 16 * 1024;
        ERR_clear_error();
        errno = 0;
        const int wrote =
            SSL_write(_ssl, bytes.data(), static_cast<int>(std::min(bytes.size(), kRecord)));
        if (wrote <= 0) tlsWouldBlock(wrote);
        return static_cast<std::size_t>(std::max(wrote, 0));
    }
    const ssize_t wrote = ::send(_socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (wrote >= 0) return static_cast<std::size_t>(wrote);
    if (errno != EAGAIN && errno != EINTR) fail(systemError(errno));
    _wanted = POLLOUT;
    return 0;
}

void RedisConnection::send(std::string_view bytes, std::size_t& sent) {
    const StopSignal& stop = _endpoint.stop;
    for (sent = 0; sent < bytes.size();) {
        const std::size_t wrote = writeSome(bytes.substr(sent));
        sent += wrote;
        if (wrote > 0) continue;
        const TimePoint deadline = Clock::system().now() + _endpoint.options.commandTimeout;
        if (!stop.wait(_socket.get(), _wanted, deadline)) fail("the server takes no more commands");
    }
}

void RedisConnection::send(std::string_view bytes) {
    std::size_t sent;
    send(bytes, sent);
}

bool RedisConnection::next(RedisReply& reply) {
    const Result<bool> complete = _reader.read(_input, reply);
    if (!complete.ok())
        fail(std::string("the server does not speak RESP2: ") + complete.error().detail);
    return *complete;
}

bool RedisConnection::receive(RedisReply& reply, Duration silence) {
    for (;;) {
        if (_endpoint.stop.stopped()) throw Stopped();
        if (next(reply)) return true;
        std::size_t got;
        while ((got = readSome(_buffer.get(), kBufferBytes)) == 0)
            if (!_endpoint.stop.wait(_socket.get(), _wanted, Clock::system().now() + silence))
                return false;
        _input = {_buffer.get(), got};
    }
}

RedisReply RedisConnection::answer() {
    RedisReply reply;
    if (!receive(reply, _endpoint.options.commandTimeout)) fail("the server does not answer");
    return reply;
}

void RedisConnection::checkIdle() {
    if (_input.empty() && readSome(_buffer.get(), kBufferBytes) == 0) return;
    fail("an answer that was not asked for");
}

void throwRedisError(const RedisReply& reply) { fail(escapedForLog(reply.text, kShownBytes)); }

void requireRedisReply(const RedisReply& reply, RedisReply::Type type) {
    if (reply.type == RedisReply::Type::Error) throwRedisError(reply);
    if (reply.type != type) fail("an answer of the wrong kind");
}

}  // namespace socketio
