#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Result.h"
#include "socketio/protocol/Value.h"

namespace socketio {

/// How JSON text looks. Both kinds are read alike.
enum class JsonStyle : std::uint8_t {
    JavaScript,  ///< As JSON.stringify() writes it: no spaces, UTF-8 unescaped.
    Python       ///< As json.dumps() does: `, ` and `: `, and escapes for all that is not ASCII.
};

/// The JSON text of a Value (RFC 8259), as JavaScript writes and reads it.
///
/// Writing: no spaces, UTF-8 unescaped, key order kept, shortest round-trip numbers.
/// Reading: strict UTF-8 JSON text; of a repeated key the last value counts, at its first place;
///          lone surrogates written as escapes are accepted (and kept as the three bytes that
///          WTF-8 gives them); integers beyond int64 become doubles; a number beyond the range of
///          a double is an error.
///
/// Threads: thread-safe, without state.
/// Limits:  nesting up to maxDepth; time and memory linear in the text.
struct JsonCodec {
    static constexpr std::size_t kMaxDepth = 128;

    /// Reads one JSON text that fills `text`.
    static Result<Value> decode(std::string_view text, std::size_t maxDepth = kMaxDepth);

    /// Appends the text of `value`. NaN, infinity and nesting beyond `maxDepth` (at most kMaxDepth)
    /// are refused: an error, and `out` as it was. With `attachments`, each Binary becomes a
    /// placeholder {"_placeholder":true,"num":N} and is appended there; without, it is refused.
    static Result<bool> encodeTo(std::string& out, const Value& value,
                                 std::vector<Binary>* attachments = nullptr,
                                 JsonStyle style = JsonStyle::JavaScript,
                                 std::size_t maxDepth = kMaxDepth);

    /// For logs and tests: the text, or `fallback` when the value has none.
    static std::string encode(const Value& value, std::string_view fallback = "null");
};

/// Appends `text` as a JSON string literal with its quotes.
void appendJsonString(std::string& out, std::string_view text,
                      JsonStyle style = JsonStyle::JavaScript);

/// Another codec for the JSON of events, as python-socketio's `json` option allows. It sees the
/// data of a packet with placeholders in place of attachments.
/// Threads: thread-safe; called from loops and workers at once.
class JsonInterface {
public:
    virtual ~JsonInterface() = default;
    /// Throws a Poco::Exception for what it cannot write.
    virtual std::string dumps(const Value& value) const = 0;
    /// Throws a Poco::Exception for bad text.
    virtual Value loads(std::string_view text) const = 0;
};

}  // namespace socketio
