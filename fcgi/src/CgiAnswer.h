#pragma once

#include <cstdint>
#include <string>

#include "socketio/exchange/AnswerFields.h"

namespace socketio {

/// Appends the head of an answer in the form of CGI (RFC 3875 §6.2): a Status field in place of the
/// status line. What frames the message belongs to the web server, so does a second Status;
/// `length` becomes Content-Length unless it is kNoLength.
void appendCgiHead(std::string& out, int status, const HeaderList& headers, std::uint64_t length);

/// The same with the body of a complete answer.
void appendCgiAnswer(std::string& out, const Response& response, bool head);

}  // namespace socketio
