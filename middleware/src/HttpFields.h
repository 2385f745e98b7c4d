#pragma once

#include <cstdint>
#include <string_view>

namespace socketio {

/// The small grammars of RFC 9110 that answers with files need. What does not follow its grammar
/// counts as if the field were not there, which every one of these fields allows.
///
/// Threads: pure functions.

/// True when `tag` (with its quotes) is in a list of entity tags or the list is `*`. Weak
/// comparison takes `W/"x"` and `"x"` for the same; strong comparison never matches a weak tag.
bool matchesEntityTag(std::string_view list, std::string_view tag, bool weak);

/// The one range of a Range field, of a file of `size` bytes (RFC 9110 §14).
struct ByteRange {
    enum class Kind {
        Whole,  ///< No range, more than one, another unit, or not a range at all.
        Part,
        Unsatisfiable
    };
    Kind kind = Kind::Whole;
    std::uint64_t first = 0;
    std::uint64_t length = 0;

    static ByteRange parse(std::string_view field, std::uint64_t size);
};

}  // namespace socketio
