#include "socketio/protocol/HttpHead.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "socketio/base/Text.h"

namespace socketio {

namespace {

using Status = HttpRequestHead::Status;
using Limits = HttpRequestHead::Limits;

// -------------------------------------------------------------------------------------------------
// Characters

enum CharClass : std::uint8_t {
    kToken = 1,    // RFC 9110 §5.6.2
    kMethod = 2,   // upper case and '-'
    kTarget = 4,   // visible ASCII but '#', which begins what a client keeps to itself
    kHost = 8,     // of a registered name or IPv4 address
    kControl = 16  // what ends the search for a line's end: controls but not HTAB
};

constexpr std::array<std::uint8_t, 256> makeClasses() {
    std::array<std::uint8_t, 256> classes{};
    for (int c = 0; c < 256; ++c) {
        const bool upper = c >= 'A' && c <= 'Z';
        const bool alnum = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        std::uint8_t& own = classes[static_cast<std::size_t>(c)];
        if (isTokenCharacter(static_cast<char>(c))) own |= kToken;
        if (upper || c == '-') own |= kMethod;
        if (c > 0x20 && c < 0x7F && c != '#') own |= kTarget;
        if (alnum || c == '-' || c == '.' || c == '_' || c == '~') own |= kHost;
        if (isControl(static_cast<char>(c)) && c != '\t') own |= kControl;
    }
    return classes;
}

constexpr std::array<std::uint8_t, 256> kClasses = makeClasses();

bool is(char c, std::uint8_t wanted) { return kClasses[static_cast<unsigned char>(c)] & wanted; }

bool consistsOf(std::string_view text, std::uint8_t wanted) {
    for (const char c : text)
        if (!is(c, wanted)) return false;
    return true;
}

/// Calls `use` with each item of a comma separated list (RFC 9110 §5.6.1), empty ones included.
template <class Use>
void forEachItem(std::string_view list, Use use) {
    for (;;) {
        const std::size_t comma = list.find(',');
        use(trim(list.substr(0, comma)));
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

/// The first control character but HTAB in [at, end); `end` when there is none.
const char* findControl(const char* at, const char* end) {
    constexpr std::uint64_t kOnes = 0x0101010101010101u;
    constexpr std::uint64_t kHighs = 0x8080808080808080u;
    for (; end - at >= 8; at += 8) {
        std::uint64_t word;
        std::memcpy(&word, at, sizeof word);
        // A high bit where a byte is below 0x20 or is 0x7F. A borrow can only raise false alarms,
        // and those the loop below settles.
        const std::uint64_t deletes = word ^ 0x7F7F7F7F7F7F7F7Fu;
        const std::uint64_t low = (word - 0x20 * kOnes) & ~word;
        const std::uint64_t del = (deletes - kOnes) & ~deletes;
        if ((low | del) & kHighs) {
            for (const char* stop = at + 8; at != stop; ++at)
                if (is(*at, kControl)) return at;
            at -= 8;
        }
    }
    while (at != end && !is(*at, kControl)) ++at;
    return at;
}

// -------------------------------------------------------------------------------------------------
// The parts of a head. Each check returns why the part is refused, or nullptr.

/// Only %00, %0D and %0A are refused by their meaning, and only in the path: it gets decoded into
/// what names files and variables.
const char* checkEscapes(std::string_view text, bool path) {
    for (std::size_t i = text.find('%'); i != std::string_view::npos; i = text.find('%', i + 3)) {
        const int high = i + 2 < text.size() ? hexDigit(text[i + 1]) : -1;
        const int low = high >= 0 ? hexDigit(text[i + 2]) : -1;
        if (low < 0) return "bad percent escape";
        const int byte = high << 4 | low;
        if (path && (byte == 0 || byte == '\r' || byte == '\n')) return "escaped control character";
    }
    return nullptr;
}

/// host [":" port]; an empty value is legal (RFC 9112 §3.2).
const char* checkHost(std::string_view value) {
    constexpr std::size_t kMaxHost = 255;
    if (value.empty()) return nullptr;
    std::size_t end;
    if (value.front() == '[') {
        end = value.find(']');
        if (end == std::string_view::npos) return "bad Host";
        for (const char c : value.substr(1, end - 1))
            if (hexDigit(c) < 0 && c != ':' && c != '.') return "bad Host";
        if (end < 3) return "bad Host";  // the shortest is [::]
        ++end;
    } else {
        end = std::min(value.find(':'), value.size());
        if (end == 0 || !consistsOf(value.substr(0, end), kHost)) return "bad Host";
    }
    if (end > kMaxHost) return "bad Host";
    if (end == value.size()) return nullptr;
    if (value[end] != ':') return "bad Host";
    const std::string_view port = value.substr(end + 1);
    if (port.empty()) return nullptr;
    return port.size() <= 5 && parseNumber<std::uint16_t>(port) ? nullptr : "bad Host";
}

/// The framing of the body has one spelling; `chunked` tells whether it is this one. Good lists of
/// other codings are left for the end of the head to refuse. RFC 9112 §6.1, §6.3.
const char* checkTransferEncoding(std::string_view value, bool& chunked) {
    chunked = equalsIgnoreCase(value, "chunked");
    bool malformed = false;
    bool chunkedSeen = false;
    forEachItem(value, [&](std::string_view item) {
        malformed = malformed || item.empty() || !consistsOf(item, kToken) || chunkedSeen;
        chunkedSeen = chunkedSeen || equalsIgnoreCase(item, "chunked");
    });
    return malformed ? "bad Transfer-Encoding" : nullptr;
}

const char* checkContentLength(std::string_view value, std::optional<std::uint64_t>& length) {
    // At most 19 digits: no sum of them overflows, and none is beyond a signed 64-bit size but
    // those from 2^63 on.
    if (value.empty() || value.size() > 19) return "bad Content-Length";
    std::uint64_t number = 0;
    for (const char c : value) {
        if (c < '0' || c > '9') return "bad Content-Length";
        number = number * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (number >> 63) return "bad Content-Length";
    length = number;
    return nullptr;
}

/// Reads the lines of one head from left to right.
class HeadReader {
public:
    HeadReader(HttpRequestHead& head, std::string_view bytes, const Limits& limits)
        : _head(head),
          _limits(limits),
          _begin(bytes.data()),
          _at(_begin),
          _end(_begin + bytes.size()) {}

    Status read() {
        // One empty line in front is left by clients that end a body with one too many (RFC 9112
        // §2.2); it counts as part of the block.
        if (_end - _at >= 2 && _at[0] == '\r' && _at[1] == '\n') _at += 2;

        std::string_view line;
        Status status =
            nextLine(line, {_limits.requestLine, 414, "request line too long", Limit::RequestLine});
        if (status != Status::Complete) return status;
        if (!requestLine(line)) return Status::Bad;
        for (;;) {
            status =
                nextLine(line, {_limits.field, 431, "header field too long", Limit::HeaderBytes});
            if (status != Status::Complete) return status;
            if (line.empty()) return finish() ? Status::Complete : Status::Bad;
            if (!field(line)) return Status::Bad;
        }
    }

    std::size_t size() const { return static_cast<std::size_t>(_at - _begin); }

private:
    bool bad(int status, const char* why) {
        _head.errorStatus = status;
        _head.error = why;
        return false;
    }
    bool bad(const char* why) { return bad(400, why); }
    bool over(int status, const char* why, Limit limit) {
        _head.reached = limit;
        return bad(status, why);
    }

    /// Complete: a line without its CRLF. Its end is looked for before anything in it is judged,
    /// so faults come in the same order however the bytes were cut.
    struct LineLimit {
        std::size_t bytes;
        int status;
        const char* why;
        Limit name;
    };
    Status nextLine(std::string_view& line, const LineLimit& limit) {
        const char* const begin = _at;
        const char* const found = findControl(begin, _end);
        const auto length = static_cast<std::size_t>(found - begin);
        const auto before = static_cast<std::size_t>(begin - _begin);
        // The limits are judged by what stands in front of the line's end. Which is reached first?
        const std::size_t block = _limits.block > before ? _limits.block - before : 0;
        if (length > std::min(limit.bytes, block)) {
            if (limit.bytes <= block)
                over(limit.status, limit.why, limit.name);
            else
                over(431, "head too large", Limit::HeadersBytes);
            return Status::Bad;
        }
        if (found == _end) return Status::Incomplete;
        if (*found == '\n') {
            bad("line ends without CR");
            return Status::Bad;
        }
        if (*found != '\r') {
            bad("control character");
            return Status::Bad;
        }
        if (found + 1 == _end) return Status::Incomplete;
        if (found[1] != '\n') {
            bad("CR without LF");
            return Status::Bad;
        }
        line = {begin, length};
        _at = found + 2;
        return Status::Complete;
    }

    bool requestLine(std::string_view line) {
        constexpr std::size_t kMaxMethod = 32;
        const std::size_t first = line.find(' ');
        if (first == std::string_view::npos) return bad("bad request line");
        _head.method = line.substr(0, first);
        if (_head.method.empty() || _head.method.size() > kMaxMethod ||
            !consistsOf(_head.method, kMethod))
            return bad("bad method");

        const std::size_t second = line.find(' ', first + 1);
        if (second == std::string_view::npos) return bad("no HTTP version");
        _head.target = line.substr(first + 1, second - first - 1);
        if (!version(line.substr(second + 1))) return false;
        return target(_head.target);
    }

    bool version(std::string_view text) {
        const bool digits = text.size() == 8 && text.starts_with("HTTP/") && text[6] == '.' &&
                            text[5] >= '0' && text[5] <= '9' && text[7] >= '0' && text[7] <= '9';
        if (!digits) return bad("bad HTTP version");
        if (text[5] != '1' || text[7] > '1') return bad(505, "HTTP version other than 1.0 and 1.1");
        _head.minorVersion = text[7] - '0';
        return true;
    }

    bool target(std::string_view text) {
        if (text.empty() || !consistsOf(text, kTarget)) return bad("bad character in the target");
        if (text == "*") {
            if (_head.method != "OPTIONS") return bad("target * without OPTIONS");
            _head.path = text;
            return true;
        }
        if (text.front() != '/') {
            // absolute-form: the path is taken from it, the host compared with Host at the end.
            const std::size_t scheme = text.find("://");
            if (scheme == std::string_view::npos) return bad("bad target");
            if (!equalsIgnoreCase(text.substr(0, scheme), "http") &&
                !equalsIgnoreCase(text.substr(0, scheme), "https"))
                return bad("bad target");
            text.remove_prefix(scheme + 3);
            const std::size_t authority = std::min(text.find_first_of("/?"), text.size());
            _authority = text.substr(0, authority);
            if (_authority.empty() || checkHost(_authority)) return bad("bad host in the target");
            text.remove_prefix(authority);
        }
        const std::size_t mark = std::min(text.find('?'), text.size());
        _head.path = mark == 0 ? std::string_view("/") : text.substr(0, mark);
        _head.query = text.substr(std::min(mark + 1, text.size()));
        if (const char* why = checkEscapes(_head.path, true)) return bad(why);
        if (const char* why = checkEscapes(_head.query, false)) return bad(why);
        return true;
    }

    bool field(std::string_view line) {
        if (line.front() == ' ' || line.front() == '\t') return bad("folded header field");
        std::size_t colon = 0;
        while (colon < line.size() && is(line[colon], kToken)) ++colon;
        if (colon == line.size()) return bad("header field without colon");
        if (colon == 0 || line[colon] != ':') return bad("bad header field name");
        if (_head.fields.size() >= _limits.fields)
            return over(431, "too many header fields", Limit::Headers);
        const HttpRequestHead::Field& field = _head.fields.emplace_back(
            HttpRequestHead::Field{line.substr(0, colon), trim(line.substr(colon + 1))});
        return known(field.name, field.value);
    }

    /// Repeated fields of which only one can count are refused, equal ones too.
    bool first(bool& seen) {
        const bool wasFirst = !seen;
        seen = true;
        return wasFirst || bad("repeated header field");
    }

    bool known(std::string_view name, std::string_view value) {
        switch (name.size()) {
            case 4:
                if (!equalsIgnoreCase(name, "host")) return true;
                if (!first(_host)) return false;
                _head.host = value;
                if (const char* why = checkHost(value)) return bad(why);
                return true;
            case 6:
                if (equalsIgnoreCase(name, "origin")) return first(_origin);
                return !equalsIgnoreCase(name, "expect") || expect(value);
            case 7:
                if (equalsIgnoreCase(name, "upgrade"))
                    forEachItem(value, [this](std::string_view item) {
                        _webSocket = _webSocket || equalsIgnoreCase(item, "websocket");
                    });
                return true;
            case 10:
                if (equalsIgnoreCase(name, "connection")) connection(value);
                return true;
            case 12:
                return !equalsIgnoreCase(name, "content-type") || first(_contentType);
            case 14:
                if (!equalsIgnoreCase(name, "content-length")) return true;
                if (!first(_contentLength)) return false;
                if (const char* why = checkContentLength(value, _head.contentLength))
                    return bad(why);
                return true;
            case 17:
                if (!equalsIgnoreCase(name, "transfer-encoding")) return true;
                if (!first(_transferEncoding)) return false;
                if (_head.minorVersion == 0) return bad("Transfer-Encoding in HTTP/1.0");
                if (const char* why = checkTransferEncoding(value, _head.chunked)) return bad(why);
                return true;
            default:
                return true;
        }
    }

    bool expect(std::string_view value) {
        if (!equalsIgnoreCase(value, "100-continue"))
            return bad(417, "Expect other than 100-continue");
        _head.expectContinue = _head.minorVersion > 0;
        return true;
    }

    void connection(std::string_view value) {
        forEachItem(value, [this](std::string_view item) {
            if (equalsIgnoreCase(item, "close"))
                _close = true;
            else if (equalsIgnoreCase(item, "keep-alive"))
                _keepAlive = true;
            else if (equalsIgnoreCase(item, "upgrade"))
                _upgrade = true;
        });
    }

    /// What only the whole head can tell.
    bool finish() {
        if (_contentLength && _transferEncoding)
            return bad("Content-Length beside Transfer-Encoding");
        if (_transferEncoding && !_head.chunked)
            return bad(501, "Transfer-Encoding other than chunked");
        const bool modern = _head.minorVersion > 0;
        if (modern && !_host) return bad("no Host");
        if (!_authority.empty()) {
            if (_host && !equalsIgnoreCase(_head.host, _authority))
                return bad("Host differs from the target");
            _head.host = _authority;
        }
        _head.keepAlive = !_close && (modern || _keepAlive);
        // RFC 9110 §7.8: Upgrade means nothing in HTTP/1.0.
        _head.upgrade = modern && _upgrade;
        _head.upgradeWebSocket = modern && _webSocket;
        return true;
    }

    HttpRequestHead& _head;
    const Limits& _limits;
    const char* const _begin;
    const char* _at;
    const char* const _end;
    std::string_view _authority;  // of a target in absolute-form
    bool _host = false, _origin = false, _contentType = false, _contentLength = false,
         _transferEncoding = false;
    bool _close = false, _keepAlive = false, _upgrade = false, _webSocket = false;
};

}  // namespace

Status HttpRequestHead::parse(std::string_view bytes, std::size_t& size, std::size_t& scanned,
                              const Limits& limits) {
    if (bytes.size() <= scanned && scanned > 0) return Status::Incomplete;
    // A line can only end, or be found to be bad, at a control character or at a limit. Without one
    // among the new bytes the head need not be read again.
    if (scanned > 0 && bytes.size() <= limits.block && bytes.size() <= limits.requestLine &&
        bytes.size() <= limits.field) {
        const char* const end = bytes.data() + bytes.size();
        if (findControl(bytes.data() + scanned, end) == end) {
            scanned = bytes.size();
            return Status::Incomplete;
        }
    }
    reset();
    HeadReader reader(*this, bytes, limits);
    const Status status = reader.read();
    if (status == Status::Complete) size = reader.size();
    // A CR at the end is looked at again together with what follows it.
    if (status == Status::Incomplete)
        scanned = !bytes.empty() && bytes.back() == '\r' ? bytes.size() - 1 : bytes.size();
    return status;
}

void HttpRequestHead::reset() {
    method = target = path = query = host = {};
    minorVersion = 1;
    fields.clear();
    contentLength.reset();
    chunked = upgrade = expectContinue = upgradeWebSocket = false;
    keepAlive = true;
    errorStatus = 400;
    reached.reset();
    error = "";
}

const HttpRequestHead::Field* HttpRequestHead::find(std::string_view name) const {
    for (const Field& field : fields)
        if (equalsIgnoreCase(field.name, name)) return &field;
    return nullptr;
}

// -------------------------------------------------------------------------------------------------
// Chunked bodies

namespace {

constexpr std::uint32_t kFreeLineBytes = 16;  // of every chunk line: any size and its CRLF
constexpr std::uint32_t kMaxSizeDigits = 16;

}  // namespace

void ChunkedDecoder::bad(const char* why) {
    _state = State::Bad;
    _error = why;
}

void ChunkedDecoder::bad(const char* why, Limit limit) {
    _reached = limit;
    bad(why);
}

/// A byte of a chunk line: counts it against the limits.
bool ChunkedDecoder::countLineByte() {
    if (++_lineBytes > _limits.line) {
        bad("chunk line too long", Limit::ChunkLine);
        return false;
    }
    if (_lineBytes <= kFreeLineBytes || ++_overhead <= _limits.overhead) return true;
    bad("chunk line too long", Limit::ChunkOverhead);
    return false;
}

ChunkedDecoder::Status ChunkedDecoder::decode(std::string_view input, std::size_t& consumed,
                                              std::string& out, std::size_t limit) {
    std::size_t at = 0;
    while (at < input.size() && _state != State::Done && _state != State::Bad) {
        if (_state == State::Data) {
            const std::size_t size =
                static_cast<std::size_t>(std::min<std::uint64_t>(_size, input.size() - at));
            if (out.size() > limit || size > limit - out.size()) {
                _tooLarge = true;
                bad("body too large");
                break;
            }
            out.append(input, at, size);
            at += size;
            _size -= size;
            if (_size == 0) _state = State::DataCr;
            continue;
        }
        step(input[at++], out.size(), limit);
    }
    consumed = at;
    return _state == State::Bad ? Status::Bad : _state == State::Done ? Status::Done : Status::More;
}

void ChunkedDecoder::step(char c, std::size_t held, std::size_t limit) {
    switch (_state) {
        case State::Size:
        case State::Extension:
        case State::SizeLf:
            if (!countLineByte()) return;
            break;
        case State::Trailer:
        case State::TrailerName:
        case State::TrailerValue:
        case State::TrailerLf:
        case State::LastLf:
            if (++_trailerBytes > _limits.trailers) {
                bad("trailer too long", Limit::TrailerBytes);
                return;
            }
            break;
        default:
            break;
    }

    switch (_state) {
        case State::Size:
            if (const int digit = hexDigit(c); digit >= 0) {
                if (_lineBytes > kMaxSizeDigits || _size >> 59) {
                    bad("chunk size too large");
                    return;
                }
                _size = _size << 4 | static_cast<std::uint64_t>(digit);
            } else if (_lineBytes == 1) {
                bad("no chunk size");  // the size has to be the first thing in its line
            } else if (c == ';') {
                _state = State::Extension;
            } else if (c == '\r') {
                _state = State::SizeLf;
            } else {
                bad("bad chunk size");
            }
            return;
        case State::Extension:
            if (c == '\r')
                _state = State::SizeLf;
            else if (is(c, kControl) || static_cast<unsigned char>(c) >= 0x80)
                bad("bad chunk extension");
            return;
        case State::SizeLf:
            if (c != '\n') {
                bad("chunk line ends without CRLF");
                return;
            }
            _lineBytes = 0;
            if (_size == 0) {
                _state = State::Trailer;
            } else if (held > limit || _size > limit - held) {
                _tooLarge = true;
                bad("body too large");
            } else {
                _state = State::Data;
            }
            return;
        case State::DataCr:
            if (c != '\r')
                bad("chunk data ends without CRLF");
            else
                _state = State::DataLf;
            return;
        case State::DataLf:
            if (c != '\n')
                bad("chunk data ends without CRLF");
            else
                _state = State::Size;
            return;
        case State::Trailer:
            if (c == '\r')
                _state = State::LastLf;
            else if (is(c, kToken))
                _state = State::TrailerName;
            else
                bad("bad trailer");
            return;
        case State::TrailerName:
            if (c == ':')
                _state = State::TrailerValue;
            else if (!is(c, kToken))
                bad("bad trailer");
            return;
        case State::TrailerValue:
            if (c == '\r')
                _state = State::TrailerLf;
            else if (is(c, kControl))
                bad("bad trailer");
            return;
        case State::TrailerLf:
            if (c != '\n')
                bad("trailer ends without CRLF");
            else
                _state = State::Trailer;
            return;
        case State::LastLf:
            if (c != '\n')
                bad("body ends without CRLF");
            else
                _state = State::Done;
            return;
        case State::Data:
        case State::Done:
        case State::Bad:
            return;
    }
}

bool isHttpHost(std::string_view value) { return !value.empty() && !checkHost(value); }

std::string_view httpHostName(std::string_view host) {
    const std::size_t colon = host.rfind(':');
    if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos)
        return host;
    return host.substr(0, colon);
}

void appendStatusLine(std::string& out, int status, std::string_view reason) {
    char digits[12];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, status);
    out.append("HTTP/1.1 ").append(digits, end);
    out += ' ';
    out.append(reason).append("\r\n");
}

}  // namespace socketio
