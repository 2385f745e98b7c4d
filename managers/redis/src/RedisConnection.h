#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <Poco/AutoPtr.h>

#include "socketio/base/Clock.h"
#include "socketio/base/FileDescriptor.h"
#include "socketio/managers/RedisManager.h"

#include "HostLookup.h"
#include "RedisUrl.h"
#include "RespReader.h"
#include "StopSignal.h"

struct ssl_st;

namespace Poco::Net {
class Context;
}

namespace socketio {

/// What connections to one Redis have in common.
///
/// Owner:   RedisManager; outlives its connections.
/// Threads: immutable, but for `stop`, which is thread-safe.
struct RedisEndpoint {
    const RedisUrl url;
    const RedisOptions options;
    const std::size_t keepBytes;                  ///< Of a reply.
    const Poco::AutoPtr<Poco::Net::Context> tls;  ///< Null without TLS.
    StopSignal stop;
};

/// For connections to the server of `url`; null when it is not `rediss://`. What does not load is
/// a Poco::Net::SSLContextException naming the file.
Poco::AutoPtr<Poco::Net::Context> makeRedisTls(const RedisUrl& url);

/// One connection to Redis: TCP or Unix socket, TLS where it is wanted, commands out, replies in.
/// Sockets of our own rather than POCO's: those of 1.11 leak into child processes, cannot be
/// interrupted, and their TLS trips over the errors of others.
///
/// Threads: confined to one; RedisEndpoint::stop ends whatever it waits for.
/// Errors:  Poco::Exception, whose message says what went wrong, never the password; the connection
///          is of no use then. Stopped.
class RedisConnection {
public:
    explicit RedisConnection(const RedisEndpoint& endpoint);
    ~RedisConnection();
    RedisConnection(const RedisConnection&) = delete;
    RedisConnection& operator=(const RedisConnection&) = delete;

    /// Connects, signs in and selects the database.
    void open(HostLookup& lookup);

    /// Sends all of it. `sent` tells, after an exception too, how much has left.
    void send(std::string_view bytes, std::size_t& sent);
    void send(std::string_view bytes);

    /// False when nothing has come for `silence`, a part of a reply included.
    bool receive(RedisReply& reply, Duration silence);
    /// A reply that has come already, in full; false when there is none.
    bool next(RedisReply& reply);
    /// The answer to a command; too late is an exception.
    RedisReply answer();
    /// When nothing is owed: throws when the server has ended the connection, which nobody would
    /// notice before the next command is lost.
    void checkIdle();

private:
    void connect(HostLookup& lookup, TimePoint deadline);
    bool connectTo(const HostLookup::Address& address, TimePoint deadline, std::string& problem);
    void handshake(TimePoint deadline);
    void signIn();
    // At most so much as goes without waiting; 0: wait for _wanted.
    std::size_t readSome(char* to, std::size_t room);
    std::size_t writeSome(std::string_view bytes);
    bool tlsWouldBlock(int result);  // throws when that is not all

    const RedisEndpoint& _endpoint;
    FileDescriptor _socket;
    ssl_st* _ssl = nullptr;
    bool _sound = false;  // TLS is established and has not failed
    short _wanted = 0;    // events of poll(2)
    RespReader _reader;
    const std::unique_ptr<char[]> _buffer;
    std::string_view _input;  // of _buffer, not yet read
};

/// The exception for an error that Redis has answered.
[[noreturn]] void throwRedisError(const RedisReply& reply);
/// The same when it is anything else but what was expected.
void requireRedisReply(const RedisReply& reply, RedisReply::Type type);

}  // namespace socketio
