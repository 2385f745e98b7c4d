#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Result.h"
#include "socketio/protocol/Value.h"

namespace socketio {

/// Python's pickle, as far as it is plain data: None, bool, int, float, str, bytes, bytearray,
/// list, tuple and dict, of protocols 2 to 5. What would make Python look up a name or call
/// something is refused, so that reading runs nothing.
/// See: CPython, Lib/pickletools.py.
///
/// Threads: thread-safe, without state.
/// Limits:  those below; time and memory linear in the bytes and in what comes out.
struct Pickle {
    static constexpr std::size_t kMaxDepth = 128;
    static constexpr std::size_t kMaxItems = 1'000'000;  ///< On the stack, in the memo, in all.
    /// What comes out may be larger than the bytes, as an object can stand in several places.
    static constexpr std::size_t kMaxBytesOut = 64 * 1024 * 1024;

    /// Reads one pickle that fills `bytes`. A tuple becomes an array: `tuples` gets the keys of the
    /// outermost dict whose values are some. Keys are strings or integers, each once.
    static Result<Value> decode(std::string_view bytes, std::vector<std::string>* tuples = nullptr);

    // Writing, in protocol 3: begin(), one object, end(). A dict is kDict, pairs and kEndDict; a
    // tuple is kTuple, items and kEndTuple.
    static constexpr std::string_view kDict = "}(", kEndDict = "u";
    static constexpr std::string_view kTuple = "(", kEndTuple = "t";

    static void begin(std::string& out) { out += "\x80\x03"; }
    static void end(std::string& out) { out += '.'; }
    static void text(std::string& out, std::string_view text);
    static void integer(std::string& out, std::int64_t number);
    /// False, and `out` as it was, for NaN, infinity and nesting beyond `maxDepth`.
    static bool value(std::string& out, const Value& value, std::size_t maxDepth = kMaxDepth);
};

}  // namespace socketio
