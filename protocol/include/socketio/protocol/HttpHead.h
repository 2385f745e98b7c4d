#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace socketio {

/// The head of an HTTP/1.1 request (RFC 9112), read strictly: what two readers could understand
/// differently is refused.
///
/// All views point into the bytes given to parse().
struct HttpRequestHead {
    struct Limits {
        std::size_t requestLine = 8192;
        std::size_t field = 8192;
        std::size_t block = 16384;
        std::size_t fields = 100;
    };
    struct Field {
        std::string_view name, value;
    };
    enum class Status : std::uint8_t { Complete, Incomplete, Bad };

    std::string_view method, target;
    std::string_view path, query;  ///< Of the target, still percent-encoded.
    int minorVersion = 1;          ///< HTTP/1.<minorVersion>
    std::vector<Field> fields;     ///< In order; values without white space around them.

    // What the front end has to know, checked already:
    std::string_view host;
    std::optional<std::uint64_t> contentLength;
    bool chunked = false;
    bool keepAlive = true;  ///< By version and Connection.
    bool upgrade = false;   ///< Connection lists `upgrade`.
    bool expectContinue = false;
    bool upgradeWebSocket = false;  ///< Upgrade lists `websocket`.

    /// For Bad: 400, 414, 417, 431, 501 or 505, and why, as static text.
    int errorStatus = 400;
    const char* error = "";

    /// Reads the head at the front of `bytes`. Complete: `size` bytes were the head with its empty
    /// line. Incomplete: all of `bytes` may be the beginning of a good head. `scanned` remembers
    /// across calls how far the end of the head has been looked for; start with 0.
    Status parse(std::string_view bytes, std::size_t& size, std::size_t& scanned,
                 const Limits& limits);

    /// The first field of that name, in any case; nullptr when there is none.
    const Field* find(std::string_view name) const;
};

/// Reads a chunked body (RFC 9112 §7.1) piece by piece.
///
/// Limits: 256 bytes per chunk line, 16 KiB of chunk lines in all beyond 16 bytes a line's fair
///         share, 4 KiB of trailers, which are checked and dropped.
class ChunkedDecoder {
public:
    enum class Status : std::uint8_t { More, Done, Bad };

    /// Uses up `input` as far as the body goes, appending its data to `out`; `consumed` tells how
    /// far. Stops with Bad when `out` would grow beyond `limit` (tooLarge() is true then).
    Status decode(std::string_view input, std::size_t& consumed, std::string& out,
                  std::size_t limit);

    bool tooLarge() const { return _tooLarge; }
    const char* error() const { return _error; }

private:
    enum class State : std::uint8_t {
        Size,
        Extension,
        SizeLf,
        Data,
        DataCr,
        DataLf,
        Trailer,
        TrailerLf,
        Done,
        Bad
    };
    Status bad(const char* why);

    State _state = State::Size;
    bool _tooLarge = false;
    bool _lineEmpty = true;
    bool _sawDigit = false;
    std::uint32_t _lineBytes = 0;
    std::uint32_t _overhead = 0;
    std::uint32_t _trailerBytes = 0;
    std::uint64_t _size = 0;
    std::string _trailerLine;
    const char* _error = "";
};

/// Appends `HTTP/1.1 <status> <reason>\r\n`.
void appendStatusLine(std::string& out, int status, std::string_view reason);

}  // namespace socketio
