#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace socketio::fuzz {

/// What must hold for every input; the program ends when it does not.
inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// A copy with nothing around it, so that a sanitizer sees every read beyond its ends.
class Exact {
public:
    explicit Exact(std::string_view bytes) : _bytes(bytes.begin(), bytes.end()) {}
    operator std::string_view() const { return {_bytes.data(), _bytes.size()}; }
    std::size_t size() const { return _bytes.size(); }

private:
    const std::vector<char> _bytes;
};

/// For parsers that look at all that has come whenever more has: calls `parse` with it, until it
/// says that it is done.
template <class Parse>
void growing(const std::vector<std::string_view>& pieces, Parse parse) {
    std::string all;
    for (const std::string_view piece : pieces)
        if (parse(Exact(all.append(piece)))) return;
}

/// Calls `use` with the input cut in several ways: byte by byte when it is small enough for that,
/// in two at places that follow from its bytes (so that a run can be repeated), and in many pieces.
template <class Use>
void forEachCutting(std::string_view input, Use use) {
    std::uint64_t state = 14695981039346656037u;
    for (const char c : input) state = (state ^ static_cast<unsigned char>(c)) * 1099511628211u;
    const auto random = [&state](std::size_t below) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::size_t>((state >> 33) % below);
    };
    using Pieces = std::vector<std::string_view>;
    if (input.size() <= 1024) {
        Pieces pieces;
        for (std::size_t i = 0; i < input.size(); ++i) pieces.push_back(input.substr(i, 1));
        use(pieces);
    }
    for (int i = 0; i < 2 && input.size() > 1; ++i) {
        const std::size_t cut = 1 + random(input.size() - 1);
        use(Pieces{input.substr(0, cut), input.substr(cut)});
    }
    Pieces pieces;
    for (std::size_t at = 0; at < input.size();) {
        pieces.push_back(input.substr(at, 1 + random(1 + input.size() / 8)));
        at += pieces.back().size();
    }
    use(pieces);
}

/// What `read` makes of the input in one piece; it has to make the same of it however it is cut.
template <class Read>
auto sameHoweverCut(std::string_view input, Read read) {
    const auto whole = read({input});
    forEachCutting(input, [&](const std::vector<std::string_view>& pieces) {
        require(read(pieces) == whole, "the same for every cutting");
    });
    return whole;
}

}  // namespace socketio::fuzz
