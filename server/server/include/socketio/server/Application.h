#pragma once

#include <map>
#include <memory>
#include <string>

#include <Poco/ClassLibrary.h>

#include "socketio/exchange/App.h"
#include "socketio/server/Server.h"

namespace socketio {

/// What an application was told: the keys `app.NAME` of the configuration file, by NAME.
using ApplicationSettings = std::map<std::string, std::string>;

/// An application in a shared library, which the program poco-socketio loads (`--app libchat.so`).
///
///     class Chat : public socketio::Application {
///     public:
///         void setup(socketio::Server& sio, const socketio::ApplicationSettings&) override {
///             sio.on("chat message", ...);
///         }
///     };
///     SOCKETIO_APPLICATION(Chat)
///
/// One CMake target makes it: add_library(chat MODULE chat.cpp), linked to socketio::application,
/// which has the headers; the code is that of the program.
///
/// With --reload a rebuilt library is loaded beside the old one: a new object is made and set up,
/// and only when that has gone well the clients of the old one are disconnected, its server is
/// stopped, and the object is destroyed. The old code stays in memory. So for a moment there are
/// two of them: what only one can have (a file, a port) is taken at a first request rather than in
/// setup().
///
/// Owner:   the program; destroyed after the server and everything that was registered with it.
/// Threads: setup() and app() once, on the main thread; handlers as Server says.
/// Errors:  what setup() or app() throws is why the program does not start, or why the old library
///          stays in use.
class Application {
public:
    virtual ~Application() = default;

    /// Registers handlers and namespaces. The server is shared by all applications and lives longer
    /// than what is registered; it starts afterwards.
    virtual void setup(Server& server, const ApplicationSettings& settings) = 0;

    /// Answers the requests that are not for Socket.IO, below mount(); null: it answers none.
    virtual std::shared_ptr<App> app() { return nullptr; }

    /// "/api", or empty for every path that no other has, and no file of `server.www` either. One
    /// application only may have that.
    virtual std::string mount() const { return {}; }
};

/// Changes whenever a library would have to be compiled again.
constexpr unsigned kApplicationInterface = 1;

}  // namespace socketio

/// Exports a class of applications, which is default-constructible. Once in a library, outside of
/// namespaces; more classes by SOCKETIO_APPLICATIONS(POCO_EXPORT_CLASS(A) POCO_EXPORT_CLASS(B)).
#define SOCKETIO_APPLICATION(Class) SOCKETIO_APPLICATIONS(POCO_EXPORT_CLASS(Class))
#define SOCKETIO_APPLICATIONS(classes)                                                         \
    extern "C" __attribute__((visibility("default"))) unsigned socketioApplicationInterface(); \
    unsigned socketioApplicationInterface() { return socketio::kApplicationInterface; }        \
    POCO_BEGIN_MANIFEST(socketio::Application)                                                 \
    classes POCO_END_MANIFEST
