#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "socketio/exchange/App.h"

namespace socketio {

class ClientFiles;
class Server;

struct MiddlewareOptions {
    std::string path = "socket.io";  ///< Slashes at both ends do not count. "": every path.
    /// Only `/socket.io/` and what is below it; false: `/socket.io` as well, for clients that
    /// were told `addTrailingSlash: false`.
    bool addTrailingSlash = true;
    /// The official browser client, served as `/socket.io/socket.io.js` and its siblings:
    /// `client-dist` of the npm package socket.io, or `dist` of socket.io-client. Read once.
    std::string clientFolder{};
};

/// Routes the Socket.IO path to a Server, and every other request to another app or, when there
/// is none, to a 404.
///
///     Middleware(sio)                                  Socket.IO alone
///     Middleware(sio, StaticFiles("www"))              and files
///     Middleware(sio, app, {.path = "live", .clientFolder = "client-dist"})
///
/// Owner:   the front end; it owns the other app by shared_ptr. The server is borrowed and
///          outlives the front end.
/// Threads: thread-safe.
/// Errors:  the constructor throws Poco::FileException (or one derived from it) naming
///          `clientFolder` when it cannot be read or has none of the files.
class Middleware : public App {
public:
    explicit Middleware(Server& server, MiddlewareOptions options = {});
    Middleware(Server& server, std::shared_ptr<App> app, MiddlewareOptions options = {});
    template <std::derived_from<App> A>
    Middleware(Server& server, A app, MiddlewareOptions options = {})
        : Middleware(server, std::make_shared<A>(std::move(app)), std::move(options)) {}

    /// The same with the path alone: Middleware(sio, app, "chat/socket.io").
    template <std::convertible_to<std::string_view> Path>
    Middleware(Server& server, std::shared_ptr<App> app, const Path& path)
        : Middleware(server, std::move(app),
                     MiddlewareOptions{.path = std::string(std::string_view(path))}) {}
    template <std::derived_from<App> A, std::convertible_to<std::string_view> Path>
    Middleware(Server& server, A app, const Path& path)
        : Middleware(server, std::make_shared<A>(std::move(app)), path) {}

    void start(Executor& executor) override;
    bool stop(TimePoint deadline) override;
    void begin(const Exchange::Ptr& exchange) override;
    void handle(const Exchange::Ptr& exchange) override;

    const MiddlewareOptions& options() const { return _options; }

private:
    Server* _server;
    std::shared_ptr<App> _app;  // may be null
    MiddlewareOptions _options;
    std::string _prefix;  // "/socket.io/"
    std::shared_ptr<const ClientFiles> _clientFiles;
};

}  // namespace socketio
