#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "LoadLoop.h"

namespace socketio {

/// One kept connection with one request at a time; opened anew when the server closed it.
class RequestChannel : public TcpClient {
public:
    class Listener {
    public:
        virtual ~Listener() = default;
        virtual void onAnswer(RequestChannel& channel, int status, std::string_view body) = 0;
        /// The connection ended first, or the answer is none.
        virtual void onUnanswered(RequestChannel& channel, std::string_view why) = 0;
    };

    RequestChannel(LoadLoop& loop, Listener& listener) : TcpClient(loop), _listener(listener) {}

    /// Before the first request.
    void setPort(std::uint16_t port) { _port = port; }

    void get(std::string_view target) { send("GET", target, {}); }
    void post(std::string_view target, std::string_view body) { send("POST", target, body); }
    /// Resets the connection; what was asked is not told of any more.
    void abandon();

protected:
    struct Answer {
        std::size_t size = 0;     ///< Of all of it, as it came; 0: there is more to come.
        int status = 0;           ///< 0: it is none.
        std::string_view body{};  ///< Valid until the next call.
        bool closes = false;      ///< The connection is not kept.
    };

    virtual std::string requestBytes(std::string_view method, std::string_view target,
                                     std::string_view body) const = 0;
    virtual Answer parse(std::string_view bytes) = 0;

    std::uint16_t port() const { return _port; }

private:
    void send(std::string_view method, std::string_view target, std::string_view body);
    void onConnected() final;
    std::size_t onBytes(std::string_view bytes) final;
    void onClosed() final;

    Listener& _listener;
    std::string _request;  // waits for the connection
    std::uint16_t _port = 0;
    bool _connected = false;
    bool _awaiting = false;
};

}  // namespace socketio
