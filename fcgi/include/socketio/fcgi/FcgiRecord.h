#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socketio {

/// The unit of FastCGI 1.0 (§3.3), by which everything is framed:
///
///     version 1 | type | request id (2) | content length (2) | padding length | reserved
///     content (0 to 65,535 bytes) | padding (0 to 255 bytes)
struct FcgiRecord {
    enum class Type : std::uint8_t {
        BeginRequest = 1,
        AbortRequest,
        EndRequest,
        Params,
        Stdin,
        Stdout,
        Stderr,
        Data,
        GetValues,
        GetValuesResult,
        UnknownType
    };
    /// Of EndRequest.
    enum class Status : std::uint8_t { Complete, CannotMultiplex, Overloaded, UnknownRole };

    static constexpr std::size_t kHeaderBytes = 8;
    static constexpr std::size_t kMaxContent = 65'535;
    static constexpr std::uint16_t kResponder = 1;
    static constexpr std::uint8_t kKeepConnection = 1;

    Type type{};  ///< May be none of the above.
    std::uint16_t id = 0;
    std::uint16_t contentLength = 0;
    std::uint8_t paddingLength = 0;
};

/// Appends the header of a record without padding; `length` bytes of content have to follow.
void appendFcgiHeader(std::string& out, FcgiRecord::Type type, std::uint16_t id,
                      std::size_t length);
/// Appends stream bytes in as many records as they need; nothing for no bytes, since an empty
/// record ends a stream: appendFcgiHeader(..., 0).
void appendFcgiStream(std::string& out, FcgiRecord::Type type, std::uint16_t id,
                      std::string_view bytes);
void appendFcgiBeginRequest(std::string& out, std::uint16_t id, std::uint16_t role,
                            std::uint8_t flags);
void appendFcgiEndRequest(std::string& out, std::uint16_t id, std::uint32_t appStatus,
                          FcgiRecord::Status status);
void appendFcgiUnknownType(std::string& out, std::uint8_t type);
/// Appends a name-value pair (§3.4), the content of Params and of both value records.
void appendFcgiPair(std::string& out, std::string_view name, std::string_view value);

/// Reads records from a stream, however it is cut. The content is handed on in the pieces in which
/// it comes, so that nothing but a header is ever kept; padding is skipped.
///
///     Record, Content*, End      for every record, in this order
///
/// Threads: thread-compatible.
class FcgiRecordReader {
public:
    enum class Event : std::uint8_t {
        NeedMore,  ///< All input is used.
        Record,    ///< A header has come: record().
        Content,   ///< Some of its content has: content(), never empty.
        End,       ///< All of it has.
        Bad        ///< A version that is not 1; nothing more can be read.
    };

    /// Takes bytes from the front of `input` up to the next event. content() points into it.
    Event next(std::string_view& input);

    const FcgiRecord& record() const { return _record; }
    std::string_view content() const { return _content; }
    /// In the middle of a record, its padding included.
    bool inside() const { return _state != State::Header || _headerBytes > 0; }

private:
    enum class State : std::uint8_t { Header, Content, Padding, Bad };

    FcgiRecord _record;
    std::string_view _content;
    std::size_t _left = 0;  // of content or padding
    unsigned char _header[FcgiRecord::kHeaderBytes] = {};
    std::uint8_t _headerBytes = 0;
    State _state = State::Header;
};

/// The name-value pairs of a stream of Params records, however it is cut: the whole stream is one
/// text, and records may end anywhere in it, inside a length, too.
///
/// Threads: thread-compatible.
/// Limits:  Limits below. A pair that announces more than may come is refused by its length, before
///          its bytes.
class FcgiPairs {
public:
    struct Limits {
        std::size_t bytes = 65'536;
        std::size_t pairs = 512;
    };

    /// Adds a piece of the stream. False when it is over the limits; then and from there on nothing
    /// is kept.
    bool append(std::string_view piece, const Limits& limits);

    /// The stream may end here: no pair is cut off.
    /// What was refused: true for their number, false for their bytes.
    bool tooMany() const { return _tooMany; }
    bool whole() const { return !_refused && _at == _bytes.size(); }
    std::size_t size() const { return _pairs.size(); }
    std::size_t bytes() const { return _bytes.size(); }
    /// Views into this object, good until it changes.
    std::pair<std::string_view, std::string_view> operator[](std::size_t index) const;
    void clear();

private:
    struct Pair {
        std::uint32_t name, nameLength, valueLength;
    };
    bool scan(const Limits& limits);

    std::string _bytes;
    std::vector<Pair> _pairs;
    std::size_t _at = 0;  // behind the last whole pair
    bool _refused = false;
    bool _tooMany = false;  // pairs; otherwise bytes
};

}  // namespace socketio
