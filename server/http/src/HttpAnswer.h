#pragma once

#include <cstdint>
#include <string>

#include "socketio/exchange/AnswerFields.h"

namespace socketio {

/// What of a request decides on the form of its answer, and what was decided.
struct AnswerForm {
    bool head = false;      ///< The request was HEAD.
    bool http10 = false;    ///< It came by HTTP/1.0, which knows no chunks.
    bool close = false;     ///< The connection ends after the answer.
    bool chunked = false;   ///< Set by appendStreamHead(): the body goes out in chunks.
    bool bodyless = false;  ///< Set by appendStreamHead(): nothing follows the head.
};

/// Appends a whole head for a body of `bodySize` bytes. What frames the message (Content-Length,
/// Transfer-Encoding, Connection) is ours: such headers of the app are left out, but its
/// `Connection: close` is heeded, and its Content-Length describes the body that HEAD and 304 do
/// not have.
void appendHead(std::string& out, int status, const HeaderList& headers, std::uint64_t bodySize,
                AnswerForm& form);

/// The same for an answer in pieces. Returns the number of bytes that Content-Length announces, or
/// kNoLength.
std::uint64_t appendStreamHead(std::string& out, int status, const HeaderList& headers,
                               AnswerForm& form);

}  // namespace socketio
