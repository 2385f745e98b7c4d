#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "socketio/exchange/Response.h"

namespace socketio {

// What every front end does alike when it writes the head of an answer.

/// No Content-Length, or none that is known.
inline constexpr std::uint64_t kNoLength = ~std::uint64_t{0};

/// True for the answers that never have a body.
inline bool isBodyless(int status) { return status < 200 || status == 204 || status == 304; }

/// A status that an app may give; anything else is 500.
int answerableStatus(int status);

/// The Content-Length that the app has set, or kNoLength.
std::uint64_t announcedLength(const HeaderList& headers);

/// True for the fields that frame a message, which are the front end's: Connection, Keep-Alive,
/// Content-Length, Transfer-Encoding.
bool isFramingField(std::string_view name);

/// The Content-Length of a complete answer with `bodySize` bytes: to HEAD, and of 304, the one that
/// GET would have got, if the app knows it. kNoLength: the answer has none.
std::uint64_t answerLength(int status, const HeaderList& headers, std::uint64_t bodySize,
                           bool head);

/// Appends `name: value CRLF`.
void appendField(std::string& out, std::string_view name, std::string_view value);
void appendNumberField(std::string& out, std::string_view name, std::uint64_t number);

}  // namespace socketio
