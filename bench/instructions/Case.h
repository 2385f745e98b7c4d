#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace socketio {

/// A path whose instructions are counted, with no kernel and one thread.
struct Case {
    std::string name;
    std::string title;
    std::uint64_t operations;  ///< So many more are done in the longer of the two runs.
    /// Sets up what it needs and does that many operations. Throws when one has not done its work.
    std::function<void(std::uint64_t operations)> run;
};

std::vector<Case> codecCases();
std::vector<Case> serverCases();

/// An argument of 32 characters, as in the rows of `bench`.
inline constexpr const char* kEchoEvent = "[\"echo\",\"0123456789abcdef0123456789abcdef\"]";

/// The bytes of a masked frame of a client, text (1) or binary (2).
std::string maskedFrame(std::string_view payload, int opcode = 1);

/// Throws std::runtime_error when `good` is false.
void require(bool good, const char* what);

}  // namespace socketio
