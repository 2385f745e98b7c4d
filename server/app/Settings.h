#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Util/AbstractConfiguration.h>

#include "socketio/fcgi/FcgiServer.h"
#include "socketio/managers/ManagerUrls.h"
#include "socketio/managers/PubSubManager.h"
#include "socketio/middleware/AccessLog.h"
#include "socketio/middleware/Health.h"
#include "socketio/net/TlsContext.h"
#include "socketio/socketio.h"

#include "ConfigFile.h"

namespace socketio::app {

/// A place where the program accepts connections.
struct Listener {
    enum class Kind { Http, Https, FastCgi };

    Kind kind = Kind::Http;
    std::string host;  ///< Empty: every address.
    std::uint16_t port = 0;
    std::string unixSocket;  ///< FastCGI only.
    bool inherited = false;  ///< FastCGI on descriptor 0.

    bool proxyProtocol = false;  ///< HTTP and HTTPS.
    // FastCGI; see FcgiServerOptions.
    bool allowPublic = false;
    bool webSocketRoute = false;
    unsigned unixMode = 0660;
    std::string mount;

    std::string where;  ///< Who asked for it, for errors: "--listen", "listen.web.address in FILE".
};

/// A folder below a path of its own.
struct FolderMount {
    std::string path, folder;
    std::string where;
};

/// What the program was told by its configuration file and, winning over it, its command line.
///
/// Threads: a plain value.
/// Errors:  read() throws UsageError naming the option or the file, line and key that was wrong,
/// and
///          what is allowed there.
struct Settings {
    using Milliseconds = std::chrono::milliseconds;

    bool help = false, version = false, check = false, showConfig = false, limits = false;
    bool daemon = false, reload = false;
    std::string pidFile;

    std::vector<Listener> listeners;  ///< At least one.
    std::string www;                  ///< The folder of the page; empty: nothing but Socket.IO.
    std::vector<FolderMount> mounts;
    StaticFilesOptions files;
    std::vector<std::string> applications;  ///< Shared libraries; none: the chat demo.
    /// The keys `app.*` without `app.`, for the applications.
    std::map<std::string, std::string> applicationSettings;

    Milliseconds drainDelay{0};  ///< After SIGTERM, unready and still serving.

    std::string logLevel = "information";
    std::string logFormat = "text";  ///< Or "json".
    std::string logFile;             ///< Empty: standard error.
    std::string accessFile;          ///< Empty: off; "-": standard output.
    AccessLogOptions access;
    HealthOptions health;

    /// Other servers, and programs that emit; see createManager().
    struct Cluster {
        std::string manager;  ///< URL; empty: this server is alone.
        std::string channel = "socketio";
        PubSubOptions options;
        BrokerOptions broker;
    } cluster;

    MiddlewareOptions middleware;
    ServerOptions server;
    HttpServerOptions http;  ///< The same for all HTTP listeners but for host, port and TLS.
    FcgiLimits fcgi;
    TlsOptions tls;

    /// The keys `logging.*` of the file, see Poco::Util::LoggingConfigurator; may be null.
    Poco::AutoPtr<Poco::Util::AbstractConfiguration> logging;

    /// With `problems`, everything that is wrong is appended there and the rest is read; without,
    /// the first is thrown.
    static Settings read(const std::vector<std::string>& arguments,
                         std::vector<std::string>* problems = nullptr);

    /// Every key that has a default, and its value: lines `key = value`, a file for --config.
    std::string configText() const;
    /// The key with the option or the file and line that gave it: "server.www in FILE, line 3";
    /// empty when nothing did.
    std::string origin(const std::string& key) const;

    std::map<std::string, std::string> origins;  ///< key -> who gave it

private:
    friend class SettingsReader;
    friend class SettingsKeys;
    std::string _host;  // of the one listener when no other is given
    std::uint16_t _port = 5000;
    EngineCookie _cookie;  // none without a name, as at first
    Settings() { _cookie.name.clear(); }
    std::string _trustedProxies;
};

}  // namespace socketio::app
