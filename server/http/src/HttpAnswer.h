#pragma once

#include <cstdint>
#include <string>

#include "socketio/exchange/Response.h"

namespace socketio {

/// What of a request decides on the form of its answer, and what was decided.
struct AnswerForm {
    bool head = false;      ///< The request was HEAD.
    bool http10 = false;    ///< It came by HTTP/1.0, which knows no chunks.
    bool close = false;     ///< The connection ends after the answer.
    bool chunked = false;   ///< Set by appendStreamHead(): the body goes out in chunks.
    bool bodyless = false;  ///< Set by appendStreamHead(): nothing follows the head.
};

/// True for the answers that never have a body.
inline bool isBodyless(int status) { return status < 200 || status == 204 || status == 304; }

/// Appends a whole head for a body of `bodySize` bytes. What frames the message (Content-Length,
/// Transfer-Encoding, Connection) is ours: such headers of the app are left out, but its
/// `Connection: close` is heeded, and its Content-Length describes the body that HEAD and 304 do
/// not have.
void appendHead(std::string& out, int status, const HeaderList& headers, std::uint64_t bodySize,
                AnswerForm& form);

/// The same for an answer in pieces. Returns the number of bytes that Content-Length announces, or
/// kNoLength.
inline constexpr std::uint64_t kNoLength = ~std::uint64_t{0};
std::uint64_t appendStreamHead(std::string& out, int status, const HeaderList& headers,
                               AnswerForm& form);

/// A status that an app may give; anything else is 500.
int answerableStatus(int status);

bool equalsIgnoreCase(std::string_view a, std::string_view b);

}  // namespace socketio
