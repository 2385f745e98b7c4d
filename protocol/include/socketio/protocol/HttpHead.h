#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Limit.h"

namespace socketio {

/// The head of an HTTP/1.1 request (RFC 9112), read strictly: what two readers could understand
/// differently is refused. The verdict is the same however the bytes were cut, and a line is
/// refused no later than at its end.
///
/// Where the standard leaves a choice:
///   lines      end with CRLF, nothing else; no folding; no control characters but HTAB in values;
///              one empty line in front of the request is skipped
///   method     at most 32 of A-Z and '-'
///   target     visible ASCII but '#'; origin-form, absolute-form (http, https; its host replaces
///              Host and has to agree with it), `*` for OPTIONS. A bad percent escape is refused,
///              in the path also %00, %0D and %0A
///   version    HTTP/1.0 (keepAlive only when asked for; no chunked body, no upgrade) or HTTP/1.1
///   repeated   Host, Content-Length, Content-Type, Origin and Transfer-Encoding are refused when
///              repeated, equal ones too
///   host       letters, digits and `-._~`, or an IPv6 address in brackets, at most 255 bytes, and
///              a port; it may be empty, and only HTTP/1.0 may leave it out
///   body       Transfer-Encoding is exactly `chunked` in any case (another coding 501, anything
///              else 400), never beside Content-Length; Content-Length is 1 to 19 digits
///   expect     100-continue, or 417
///
/// Names are not filtered here: fields with `_` in their name, for instance, are the caller's to
/// drop. Parsing allocates nothing but `fields`; a head that is used again keeps that room.
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

    /// For Bad: 400, 414, 417, 431, 501 or 505, and why, as static text. The other members then
    /// hold what was read so far and are good for nothing.
    int errorStatus = 400;
    const char* error = "";
    std::optional<Limit> reached;  ///< The limit that it went over, if that was it.

    /// Reads the head at the front of `bytes`. Complete: `size` bytes were the head with its empty
    /// line. Incomplete: all of `bytes` may be the beginning of a good head. `scanned` remembers
    /// across calls how far the end of the head has been looked for; start with 0.
    Status parse(std::string_view bytes, std::size_t& size, std::size_t& scanned,
                 const Limits& limits);

    /// The first field of that name, in any case; nullptr when there is none.
    const Field* find(std::string_view name) const;

private:
    void reset();
};

/// Reads a chunked body (RFC 9112 §7.1) piece by piece; how it is cut makes no difference. Strict:
/// CRLF everywhere, no space around the size, at most 16 hexadecimal digits, extensions (visible
/// ASCII, space, HTAB) skipped.
///
/// Trailers are checked and dropped.
///
/// Limits: those below.
class ChunkedDecoder {
public:
    struct Limits {
        std::size_t line = 256;         ///< Bytes of one chunk line.
        std::size_t overhead = 16'384;  ///< Of all, beyond the 16 that each line has free.
        std::size_t trailers = 4096;
    };
    enum class Status : std::uint8_t { More, Done, Bad };

    ChunkedDecoder() = default;
    explicit ChunkedDecoder(const Limits& limits) : _limits(limits) {}

    /// Uses up `input` as far as the body goes, appending its data to `out`; `consumed` tells how
    /// far. Stops with Bad when `out` would grow beyond `limit` (tooLarge() is true then); a chunk
    /// that does not fit is refused by its size, before its data. After Done and Bad it takes no
    /// more.
    Status decode(std::string_view input, std::size_t& consumed, std::string& out,
                  std::size_t limit);

    bool tooLarge() const { return _tooLarge; }
    const char* error() const { return _error; }
    /// The limit that it went over, if that was it.
    std::optional<Limit> reached() const { return _reached; }

private:
    enum class State : std::uint8_t {
        Size,
        Extension,
        SizeLf,
        Data,
        DataCr,
        DataLf,
        Trailer,  // at the beginning of a line
        TrailerName,
        TrailerValue,
        TrailerLf,
        LastLf,
        Done,
        Bad
    };
    void step(char c, std::size_t held, std::size_t limit);
    bool countLineByte();
    void bad(const char* why);
    void bad(const char* why, Limit limit);

    Limits _limits{};
    std::optional<Limit> _reached;
    State _state = State::Size;
    bool _tooLarge = false;
    std::uint32_t _lineBytes = 0;
    std::uint32_t _overhead = 0;
    std::uint32_t _trailerBytes = 0;
    std::uint64_t _size = 0;
    const char* _error = "";
};

/// True for a host as HttpRequestHead takes it: a name or an address, and perhaps a port.
bool isHttpHost(std::string_view value);
/// `example.org:8080` -> `example.org`; the brackets of an IPv6 address stay (RFC 3875 §4.1.14).
std::string_view httpHostName(std::string_view host);

/// Appends `HTTP/1.1 <status> <reason>\r\n`.
void appendStatusLine(std::string& out, int status, std::string_view reason);

}  // namespace socketio
