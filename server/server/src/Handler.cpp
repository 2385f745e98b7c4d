#include "socketio/server/Handler.h"

#include <Poco/Exception.h>

#include "socketio/server/Socket.h"

namespace socketio {

HandlerForm handlerForm(std::string_view event) {
    if (event == "connect") return HandlerForm::Connect;
    if (event == "disconnect") return HandlerForm::Disconnect;
    if (event == "*") return HandlerForm::CatchAll;
    return HandlerForm::Event;
}

namespace detail {

const Environ& environOf(const Socket& socket) { return socket.environ(); }
const std::string& sidOf(const Socket& socket) { return socket.sid(); }

void refuseHandler(std::string_view event, HandlerForm form) {
    const char* parameters = "(Socket&, arguments...), and returns what converts to Value";
    switch (form) {
        case HandlerForm::Event:
            break;
        case HandlerForm::CatchAll:
            parameters = "(Socket&, const std::string& event, arguments...)";
            break;
        case HandlerForm::Connect:
            parameters = "(Socket&, const Environ&, const Value& auth)";
            break;
        case HandlerForm::Disconnect:
            parameters = "(Socket&, DisconnectReason)";
            break;
    }
    throw Poco::InvalidArgumentException("a handler of the event \"" + std::string(event) +
                                         "\" takes " + parameters);
}

}  // namespace detail

}  // namespace socketio
