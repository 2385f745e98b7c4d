#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "support/RawClient.h"

namespace socketio::test {

/// An Engine.IO 4 client over long-polling, in plain bytes: shares no code with the server.
///
/// Threads: one at a time. Errors: std::runtime_error, as of RawClient; ends the test.
class PollingClient {
public:
    /// Opens a session; `query` is appended to the handshake ("&user=ann"). The answer's first
    /// packet is the open packet; what follows it is queued for next().
    explicit PollingClient(std::uint16_t port, std::string_view query = {},
                           RawClient::Options options = {});

    const std::string& sid() const { return _sid; }
    const std::string& openPacket() const { return _open; }  ///< `0{...}`
    /// `/socket.io/?EIO=4&transport=polling&sid=...`
    std::string target() const;

    /// One GET on a connection of its own, split into packets.
    std::vector<std::string> poll();
    RawResponse rawPoll() { return _getter.get(target()); }
    /// Sends the GET and returns; the answer is read with readPoll().
    void startPoll() { _getter.request("GET", target()); }
    std::vector<std::string> readPoll();
    /// One POST; throws unless it is answered `ok`.
    void post(std::string_view payload);
    RawResponse rawPost(std::string_view payload, std::string_view headers = {}) {
        return _poster.post(target(), payload, headers);
    }

    /// The next packet but pings, which it answers; polls as needed.
    std::string next();
    /// Joins the namespace and returns the answer ("40{...}").
    std::string connect(std::string_view nsp = "/", std::string_view auth = {});

    RawClient& getter() { return _getter; }
    RawClient& poster() { return _poster; }

    static std::vector<std::string> split(std::string_view payload);

private:
    RawClient _getter, _poster;
    std::string _sid, _open;
    std::deque<std::string> _packets;
};

/// An Engine.IO 4 client over WebSocket.
class WebSocketClient {
public:
    /// Opens a session, or with `sid` a WebSocket for one that exists (an upgrade candidate).
    explicit WebSocketClient(std::uint16_t port, std::string_view sid = {},
                             std::string_view query = {}, RawClient::Options options = {});

    const std::string& sid() const { return _sid; }
    const std::string& openPacket() const { return _open; }

    void send(std::string_view text) { _client.sendText(text); }
    void sendBinary(std::string_view bytes) { _client.sendBinary(bytes); }
    /// The payload of the next frame that is no ping packet (which it answers). Throws when it is
    /// a close frame or the end.
    std::string next();
    /// The next data or close frame as it is.
    RawFrame frame() { return _client.readFrame(); }
    std::string connect(std::string_view nsp = "/", std::string_view auth = {});

    RawClient& raw() { return _client; }

private:
    RawClient _client;
    std::string _sid, _open;
};

/// The value of a string member in JSON text that the server wrote: {"sid":"..."}.
std::string jsonString(std::string_view json, std::string_view key);

}  // namespace socketio::test
