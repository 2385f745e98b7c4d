#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/RawClient.h"

namespace socketio::test {

/// A FastCGI record as it came over the wire. The numbers are those of the specification, written
/// down once more on purpose: with FcgiRecord.h a number that is wrong there would be expected
/// here.
struct FcgiRawRecord {
    enum Type {
        Begin = 1,
        Abort,
        End,
        Params,
        Stdin,
        Stdout,
        Stderr,
        Data,
        GetValues,
        GetValuesResult,
        UnknownType
    };

    int type = 0, id = 0, reserved = 0;
    std::string content, padding;
};

/// What one request was answered with.
struct FcgiAnswer {
    RawResponse response;  ///< `status` from the Status field.
    std::string raw;       ///< Head and body together.
    std::uint32_t appStatus = 0;
    int protocolStatus = 0;
};

using FcgiParams = std::vector<std::pair<std::string, std::string>>;

/// The web server's side of FastCGI, in plain bytes: shares no code with the server.
///
/// Threads: one at a time. Errors: std::runtime_error, as of RawClient; ends the test.
class FcgiClient {
public:
    explicit FcgiClient(std::uint16_t port, RawClient::Options options = {});
    /// On a Unix socket.
    explicit FcgiClient(const std::string& path, RawClient::Options options = {});

    static std::string record(int type, int id, std::string_view content = {},
                              std::size_t padding = 0);
    static std::string begin(int id, bool keep, int role = 1);
    static std::string pair(std::string_view name, std::string_view value);
    static std::string pairs(const FcgiParams& params);
    /// BeginRequest, Params and their end, Stdin and its end.
    static std::string request(int id, bool keep, const FcgiParams& params,
                               std::string_view body = {});
    /// What nginx sends for a request without headers; CONTENT_LENGTH when there is a body.
    static FcgiParams params(std::string_view method, std::string_view target,
                             std::string_view body = {}, const FcgiParams& more = {});

    void send(std::string_view bytes) { _raw.send(bytes); }
    FcgiRawRecord read();
    /// Reads until the EndRequest of `id`; records of other requests are kept for their turn.
    /// Throws for a record that breaks the protocol: padding and reserved bytes that are not zero,
    /// Stdout behind its end.
    FcgiAnswer answer(int id = 1);
    /// request() and answer().
    FcgiAnswer call(std::string_view method, std::string_view target, std::string_view body = {},
                    const FcgiParams& more = {}, bool keep = true, int id = 1);

    RawClient& raw() { return _raw; }

private:
    struct Partial {
        FcgiAnswer answer;
        bool outputEnded = false;
        bool complete = false;
    };

    RawClient _raw;
    std::map<int, Partial> _partial;
};

/// An Engine.IO 4 polling session over FastCGI, each request on a connection of its own, as nginx
/// makes them without keep-alive.
class FcgiPollingClient {
public:
    explicit FcgiPollingClient(std::uint16_t port, std::string_view query = {});

    const std::string& sid() const { return _sid; }
    const std::string& openPacket() const { return _open; }
    std::string target() const;
    /// Sends the GET and returns the connection that waits for the answer.
    FcgiClient startPoll();
    std::string poll();
    void post(std::string_view payload);
    /// Joins `/`; the answer.
    std::string connect();

private:
    std::uint16_t _port;
    std::string _sid, _open;
};

}  // namespace socketio::test
