#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "socketio/base/Clock.h"
#include "socketio/managers/PubSubManager.h"

namespace socketio {

/// Times of a RedisManager.
struct RedisOptions {
    /// Looking up the name, TCP and TLS together.
    Duration connectTimeout = std::chrono::seconds(2);
    /// As long as Redis may be silent when it owes an answer, or take nothing of what is sent.
    Duration commandTimeout = std::chrono::seconds(5);
    /// A connection that has been silent that long is asked for a sign of life.
    Duration pingInterval = std::chrono::seconds(5);
    /// From one write to the next at least: what is emitted meanwhile leaves together. Each write
    /// costs every server that listens three wake-ups, more than the messages in it. Who emits
    /// rarely, ten intervals apart, waits for nothing.
    Duration publishInterval = std::chrono::microseconds(450);
};

/// Servers, and processes that only emit, as one over Redis: python-socketio's RedisManager, and
/// on the wire the same. A message is one PUBLISH on the channel; the database plays no part in it.
///
///     redis://                                          localhost:6379
///     redis://[[user]:password@]host[:port][/database]
///     rediss://...                                      the same through TLS
///     unix://[[user]:password@]/path/to/socket[?db=1]
///
/// User and password are percent-decoded. Parameters, as redis-py spells them: `db`, `username`,
/// `password`; with TLS `ssl_ca_certs` (a file; the system's CAs without it), `ssl_cert_reqs`
/// (`required`; `none` trusts anybody), `ssl_check_hostname` (`true`), and `ssl_certfile` and
/// `ssl_keyfile` for a certificate of one's own.
///
/// Two connections: one listens, one publishes, what is pending in one write. Each that breaks, or
/// is silent too long, is made again after 50 ms, later 1 s.
///
/// Delivery: at most once. What had left when the connection broke, and was not answered, may have
/// come through and is not sent again: it is counted as dropped, as is what Redis refuses. The rest
/// waits, within the limits of PubSubOptions, and leaves in order: after an outage once as many
/// listen as heard the last message, or a second later.
///
/// Owner, threads: as PubSubManager; two threads of its own, and one while a name is looked up.
/// Errors:  a URL that cannot be is a Poco::SyntaxException, certificates that do not load are a
///          Poco::Net::SSLContextException, both from the constructor and without the password.
///          Afterwards nothing throws: see lastError(), and the log, where an outage
///          is a line when it begins, every 10 s, and when it ends.
class RedisManager : public PubSubManager {
public:
    explicit RedisManager(const std::string& url = "redis://localhost:6379/0",
                          std::string channel = "socketio", bool writeOnly = false,
                          PubSubOptions options = {}, RedisOptions redis = {});
    ~RedisManager() override;

protected:
    void start() override;
    void stop() override;
    bool publish(std::string payload) override;
    bool flushQueue(TimePoint deadline) override;
    /// Messages came over the channel, together. A class of another wire form takes them out of
    /// that first, and calls shutdown() in its destructor.
    virtual void received(std::vector<std::string> payloads) { receive(std::move(payloads)); }

private:
    class Impl;
    const std::unique_ptr<Impl> _impl;
};

}  // namespace socketio
