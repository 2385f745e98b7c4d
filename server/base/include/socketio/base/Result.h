#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "socketio/base/Limit.h"

namespace socketio {

/// Why bytes from a peer were refused.
///
/// Threads: a plain value.
struct DecodeError {
    enum class Code : std::uint8_t {
        Empty,        ///< Nothing where something has to be.
        UnknownType,  ///< A type digit or opcode that the protocol does not know.
        Malformed,    ///< Against the grammar.
        TooLarge,     ///< More bytes than a limit allows.
        TooMany,      ///< More items (packets, attachments, fields) than a limit allows.
        TooDeep,      ///< JSON nested deeper than the limit.
        BadUtf8,
        BadBase64,
        BadJson,
        Reserved,    ///< A name or a bit that a peer must not use.
        OutOfOrder,  ///< Right by itself, wrong at this point of the conversation.
    };

    Code code = Code::Malformed;
    std::optional<Limit> limit{};  ///< That was reached.
    const char* detail = "";       ///< Static text for logs; never holds bytes of the peer.

    DecodeError() = default;
    DecodeError(Code why, const char* text) : code(why), detail(text) {}
    DecodeError(Code why, const char* text, Limit reached)
        : code(why), limit(reached), detail(text) {}
};

/// Either a value or the reason why there is none; what decoders return. Nothing throws.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : _state(std::in_place_index<0>, std::move(value)) {}
    Result(DecodeError error) : _state(std::in_place_index<1>, error) {}
    Result(DecodeError::Code code, const char* detail)
        : _state(std::in_place_index<1>, DecodeError{code, detail}) {}
    Result(DecodeError::Code code, const char* detail, Limit limit)
        : _state(std::in_place_index<1>, DecodeError{code, detail, limit}) {}

    bool ok() const { return _state.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & { return *std::get_if<0>(&_state); }
    const T& value() const& { return *std::get_if<0>(&_state); }
    T&& value() && { return std::move(*std::get_if<0>(&_state)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const DecodeError& error() const {
        assert(!ok());
        return *std::get_if<1>(&_state);
    }

private:
    std::variant<T, DecodeError> _state;
};

}  // namespace socketio
