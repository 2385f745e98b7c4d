#include "Settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <functional>
#include <limits>
#include <set>
#include <system_error>
#include <utility>

#include <Poco/Exception.h>
#include <Poco/Logger.h>
#include <Poco/Path.h>
#include <Poco/StringTokenizer.h>
#include <Poco/Util/MapConfiguration.h>

namespace socketio::app {

namespace {

/// Where a value comes from.
struct Source {
    std::string where;   // for errors: "--port", or "server.port in FILE, line 3"
    std::string folder;  // what a relative path is relative to, with a slash at its end
};

/// One key: how to set it, and how to show what it is.
struct Key {
    const char* name;
    std::function<void(Settings&, const Source&, const std::string& text)> set;
    std::function<std::string(const Settings&)> get;
};

[[noreturn]] void bad(const Source& source, const std::string& text, const std::string& expected) {
    throw UsageError(source.where + ": \"" + text + "\" is not " + expected);
}

struct Range {
    std::uint64_t least, most;
    const char* unit = "";
};
constexpr std::uint64_t kAnySize = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kDay = 86'400'000;

std::uint64_t number(const Source& source, const std::string& text, const Range& range) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || stop != end || error != std::errc() || value < range.least ||
        value > range.most)
        bad(source, text,
            "a number from " + std::to_string(range.least) + " to " + std::to_string(range.most) +
                range.unit);
    return value;
}

bool yesOrNo(const Source& source, const std::string& text) {
    if (text == "true" || text == "yes" || text == "on") return true;
    if (text == "false" || text == "no" || text == "off") return false;
    bad(source, text, "true or false");
}

std::vector<std::string> split(const std::string& text) {
    const Poco::StringTokenizer parts(
        text, ",", Poco::StringTokenizer::TOK_TRIM | Poco::StringTokenizer::TOK_IGNORE_EMPTY);
    return {parts.begin(), parts.end()};
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text.append(text.empty() ? "" : ", ").append(part);
    return text;
}

/// Paths in a file are relative to the file, so that it works from everywhere; and to the folder
/// at the start otherwise, which --daemon leaves.
std::string absolute(const Source& source, const std::string& path) {
    if (path.empty() || path.front() == '/') return path;
    return source.folder + path;
}

// What kinds of settings there are. `Get` gives the setting of a Settings.
template <class Get>
Key whole(const char* name, Get get, std::uint64_t least, std::uint64_t most,
          const char* unit = "") {
    using Number = std::remove_reference_t<decltype(get(std::declval<Settings&>()))>;
    return {name,
            [get, range = Range{least, most, unit}](Settings& s, const Source& source,
                                                    const std::string& text) {
                get(s) = static_cast<Number>(number(source, text, range));
            },
            [get](const Settings& s) { return std::to_string(get(const_cast<Settings&>(s))); }};
}
template <class Get>
Key bytes(const char* name, Get get, std::uint64_t least = 0) {
    return whole(name, get, least, kAnySize, " bytes");
}
template <class Get>
Key milliseconds(const char* name, Get get, std::uint64_t least = 1) {
    return {
        name,
        [get, range = Range{least, kDay, " milliseconds"}](Settings& s, const Source& source,
                                                           const std::string& text) {
            get(s) = std::chrono::milliseconds(number(source, text, range));
        },
        [get](const Settings& s) { return std::to_string(get(const_cast<Settings&>(s)).count()); }};
}
template <class Get>
Key flag(const char* name, Get get) {
    return {name,
            [get](Settings& s, const Source& source, const std::string& text) {
                get(s) = yesOrNo(source, text);
            },
            [get](const Settings& s) {
                return std::string(get(const_cast<Settings&>(s)) ? "true" : "false");
            }};
}
template <class Get>
Key text(const char* name, Get get) {
    return {name, [get](Settings& s, const Source&, const std::string& value) { get(s) = value; },
            [get](const Settings& s) { return std::string(get(const_cast<Settings&>(s))); }};
}
template <class Get>
Key path(const char* name, Get get) {
    return {name,
            [get](Settings& s, const Source& source, const std::string& value) {
                get(s) = absolute(source, value);
            },
            [get](const Settings& s) { return std::string(get(const_cast<Settings&>(s))); }};
}
/// A list of paths.
template <class Get>
Key paths(const char* name, Get get) {
    return {name,
            [get](Settings& s, const Source& source, const std::string& value) {
                get(s).clear();
                for (const std::string& each : split(value))
                    get(s).push_back(absolute(source, each));
            },
            [get](const Settings& s) { return joined(get(const_cast<Settings&>(s))); }};
}
/// One of some words.
template <class Get, class T>
Key choice(const char* name, Get get, std::vector<std::pair<std::string, T>> words) {
    return {name,
            [get, words](Settings& s, const Source& source, const std::string& value) {
                std::string allowed;
                for (std::size_t i = 0; i < words.size(); ++i) {
                    if (words[i].first == value) {
                        get(s) = words[i].second;
                        return;
                    }
                    allowed.append(i == 0 ? "" : i + 1 == words.size() ? " or " : ", ");
                    allowed += words[i].first;
                }
                bad(source, value, allowed);
            },
            [get, words](const Settings& s) {
                for (const auto& [word, value] : words)
                    if (get(const_cast<Settings&>(s)) == value) return word;
                return std::string();
            }};
}

void setLogLevel(Settings& s, const Source& source, const std::string& level) {
    try {
        Poco::Logger::parseLevel(level);
    } catch (const Poco::Exception&) {
        bad(source, level, "a log level (error, warning, notice, information, debug, trace)");
    }
    s.logLevel = level;
}

void setTransports(Settings& s, const Source& source, const std::string& names) {
    std::vector<std::string> transports = split(names);
    for (const std::string& name : transports)
        if (name != "polling" && name != "websocket") bad(source, name, "polling or websocket");
    if (transports.empty()) bad(source, names, "polling, websocket or both");
    s.server.transports = std::move(transports);
}

std::string originsText(const Settings& s) {
    const AllowedOrigins& origins = s.server.corsAllowedOrigins;
    if (origins.mode == AllowedOrigins::Mode::Any) return "*";
    return origins.mode == AllowedOrigins::Mode::List ? joined(origins.list) : "";
}

void setOrigins(Settings& s, const Source&, const std::string& origins) {
    if (origins == "*")
        s.server.corsAllowedOrigins = AllowedOrigins("*");
    else if (!split(origins).empty())
        s.server.corsAllowedOrigins = AllowedOrigins(split(origins));
    else
        s.server.corsAllowedOrigins = AllowedOrigins();
}

void checkUrlPath(const Source& source, const std::string& value) {
    if (!value.empty() && value.front() != '/') bad(source, value, "a path such as /healthz");
}

template <class Get>
Key urlPath(const char* name, Get get) {
    Key key = text(name, get);
    key.set = [get](Settings& s, const Source& source, const std::string& value) {
        checkUrlPath(source, value);
        get(s) = value;
    };
    return key;
}

unsigned fileMode(const Source& source, const std::string& text) {
    unsigned mode = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, mode, 8);
    if (text.empty() || stop != end || error != std::errc() || mode > 0777)
        bad(source, text, "permissions in octal such as 0660");
    return mode;
}

bool isName(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '-' || c == '_';
    });
}

constexpr const char* kAddresses =
    "http://HOST:PORT, https://HOST:PORT, fastcgi://HOST:PORT, fastcgi:/PATH or fastcgi:stdin";

/// "http://127.0.0.1:5000"; an empty host or * means every address.
void setAddress(Listener& listener, const Source& source, const std::string& text) {
    const auto wrong = [&] { bad(source, text, kAddresses); };
    const std::size_t colon = text.find(':');
    if (colon == text.npos) wrong();
    const std::string scheme = text.substr(0, colon);
    std::string rest = text.substr(colon + 1);
    if (scheme == "http")
        listener.kind = Listener::Kind::Http;
    else if (scheme == "https")
        listener.kind = Listener::Kind::Https;
    else if (scheme == "fastcgi")
        listener.kind = Listener::Kind::FastCgi;
    else
        wrong();
    if (!rest.starts_with("//")) {
        if (listener.kind != Listener::Kind::FastCgi || rest.empty()) wrong();
        if (rest == "stdin")
            listener.inherited = true;
        else
            listener.unixSocket = absolute(source, rest);
        return;
    }
    rest.erase(0, 2);
    while (rest.ends_with('/')) rest.pop_back();
    const std::size_t last = rest.rfind(':');
    if (last == rest.npos || rest.find('/') != rest.npos) wrong();
    listener.host = rest.substr(0, last);
    if (listener.host.starts_with('[') && listener.host.ends_with(']'))
        listener.host = listener.host.substr(1, listener.host.size() - 2);
    else if (listener.host.find(':') != rest.npos)
        wrong();
    if (listener.host == "*") listener.host.clear();
    listener.port =
        static_cast<std::uint16_t>(number(source, rest.substr(last + 1), {0, 65535, ""}));
}

void setListenerPart(Listener& listener, const std::string& part, const Source& source,
                     const std::string& text) {
    if (part == "address") {
        setAddress(listener, source, text);
        listener.where = source.where;
    } else if (part == "proxyProtocol") {
        listener.proxyProtocol = yesOrNo(source, text);
    } else if (part == "allowPublic") {
        listener.allowPublic = yesOrNo(source, text);
    } else if (part == "webSocketRoute") {
        listener.webSocketRoute = yesOrNo(source, text);
    } else if (part == "unixMode") {
        listener.unixMode = fileMode(source, text);
    } else if (part == "mount") {
        checkUrlPath(source, text);
        listener.mount = text;
    } else {
        throw UsageError("unknown key " + source.where +
                         ": of a listener there are address, proxyProtocol, allowPublic, "
                         "webSocketRoute, unixMode and mount");
    }
}

}  // namespace

/// Reads one command line with its files.
class SettingsReader {
public:
    SettingsReader(Settings& settings, std::vector<std::string>* problems)
        : _settings(settings), _problems(problems) {}

    void read(const std::vector<std::string>& arguments);

    static const std::vector<Key>& keys();
    static const Key* find(const std::string& name) {
        for (const Key& key : keys())
            if (name == key.name) return &key;
        return nullptr;
    }

private:
    struct Option {
        const char *name, *value, *key, *help;
    };
    friend struct Settings;
    static const std::vector<Option>& options();

    /// Runs a step; what is wrong ends it, or is noted and the next step comes.
    template <class Step>
    void attempt(Step&& step) {
        if (!_problems) return step();
        try {
            step();
        } catch (const UsageError& e) {
            _problems->push_back(e.what());
        }
    }

    void readFile(const std::string& path);
    void set(const std::string& key, const Source& source, const std::string& value);
    void apply(const Option& option, const std::string& value);
    void finish();
    static std::string suggestion(const std::string& key);

    Settings& _settings;
    std::vector<std::string>* _problems;
    std::map<std::string, Listener> _listeners;  // of the keys listen.NAME.*, by name
    std::set<std::string> _doubtful;             // of them
    std::map<std::string, FolderMount> _mounts;
    std::vector<Listener> _listenOptions;
    Poco::AutoPtr<Poco::Util::MapConfiguration> _logging;
    bool _applicationOption = false;
};

const std::vector<Key>& SettingsReader::keys() {
    using S = Settings;
    static const std::vector<Key> table = {
        text(
            "server.host", [](S & s) -> auto& { return s._host; }),
        whole(
            "server.port", [](S & s) -> auto& { return s._port; }, 0, 65535),
        text(
            "server.name", [](S & s) -> auto& { return s.http.serverName; }),
        {"server.trustedProxies",
         [](S& s, const Source& source, const std::string& value) {
             try {
                 s.http.trustedProxies = TrustedProxies(value);
             } catch (const Poco::Exception& e) {
                 throw UsageError(
                     source.where + ": " + e.message() +
                     "; addresses, networks such as 10.0.0.0/8 and `unix` are allowed");
             }
             s._trustedProxies = joined(split(value));
         },
         [](const S& s) { return s._trustedProxies; }},
        path(
            "server.www", [](S & s) -> auto& { return s.www; }),
        path(
            "server.client", [](S & s) -> auto& { return s.middleware.clientFolder; }),
        text(
            "server.path", [](S & s) -> auto& { return s.middleware.path; }),
        flag(
            "server.addTrailingSlash",
            [](S & s) -> auto& { return s.middleware.addTrailingSlash; }),
        paths(
            "server.app", [](S & s) -> auto& { return s.applications; }),
        flag(
            "server.reload", [](S & s) -> auto& { return s.reload; }),
        path(
            "server.pidFile", [](S & s) -> auto& { return s.pidFile; }),
        milliseconds(
            "server.drainDelay", [](S & s) -> auto& { return s.drainDelay; }, 0),
        milliseconds(
            "server.stopTimeout", [](S & s) -> auto& { return s.http.stopTimeout; }, 0),

        text(
            "files.index", [](S & s) -> auto& { return s.files.index; }),
        text(
            "files.cacheControl", [](S & s) -> auto& { return s.files.cacheControl; }),
        flag(
            "files.dotFiles", [](S & s) -> auto& { return s.files.dotFiles; }),
        whole(
            "files.maxStreams", [](S & s) -> auto& { return s.files.maxStreams; }, 1, 65'536),

        urlPath(
            "health.live", [](S & s) -> auto& { return s.health.live; }),
        urlPath(
            "health.ready", [](S & s) -> auto& { return s.health.ready; }),

        path(
            "tls.certificate", [](S & s) -> auto& { return s.tls.certificateFile; }),
        path(
            "tls.key", [](S & s) -> auto& { return s.tls.privateKeyFile; }),
        {"tls.passphrase",
         [](S& s, const Source&, const std::string& value) { s.tls.passphrase = value; },
         [](const S& s) { return std::string(s.tls.passphrase.empty() ? "" : "***"); }},
        path(
            "tls.chain", [](S & s) -> auto& { return s.tls.chainFile; }),
        path(
            "tls.ca", [](S & s) -> auto& { return s.tls.caFile; }),
        choice(
            "tls.clients", [](S & s) -> auto& { return s.tls.clients; },
            std::vector<std::pair<std::string, TlsOptions::Clients>>{
                {"ignored", TlsOptions::Clients::Ignored},
                {"optional", TlsOptions::Clients::Optional},
                {"required", TlsOptions::Clients::Required}}),
        text(
            "tls.ciphers", [](S & s) -> auto& { return s.tls.ciphers; }),
        text(
            "tls.cipherSuites", [](S & s) -> auto& { return s.tls.cipherSuites; }),
        choice(
            "tls.minimumVersion", [](S & s) -> auto& { return s.tls.minimumVersion; },
            std::vector<std::pair<std::string, TlsOptions::Version>>{
                {"1.2", TlsOptions::Version::Tls12}, {"1.3", TlsOptions::Version::Tls13}}),

        {"log.level", setLogLevel, [](const S& s) { return s.logLevel; }},
        choice(
            "log.format", [](S & s) -> auto& { return s.logFormat; },
            std::vector<std::pair<std::string, std::string>>{{"text", "text"}, {"json", "json"}}),
        path(
            "log.file", [](S & s) -> auto& { return s.logFile; }),
        {"access.file",
         [](S& s, const Source& source, const std::string& value) {
             s.accessFile = value == "-" ? value : absolute(source, value);
         },
         [](const S& s) { return s.accessFile; }},
        choice(
            "access.format", [](S & s) -> auto& { return s.access.format; },
            std::vector<std::pair<std::string, AccessLogOptions::Format>>{
                {"combined", AccessLogOptions::Format::Combined},
                {"common", AccessLogOptions::Format::Common},
                {"json", AccessLogOptions::Format::Json}}),
        choice(
            "access.query", [](S & s) -> auto& { return s.access.query; },
            std::vector<std::pair<std::string, AccessLogOptions::Query>>{
                {"names", AccessLogOptions::Query::Names},
                {"none", AccessLogOptions::Query::None},
                {"all", AccessLogOptions::Query::All}}),

        milliseconds(
            "engine.pingInterval", [](S & s) -> auto& { return s.server.pingInterval; }),
        milliseconds(
            "engine.pingTimeout", [](S & s) -> auto& { return s.server.pingTimeout; }),
        milliseconds(
            "engine.upgradeTimeout", [](S & s) -> auto& { return s.server.upgradeTimeout; }),
        milliseconds(
            "engine.connectTimeout", [](S & s) -> auto& { return s.server.connectTimeout; }),
        bytes(
            "engine.maxHttpBufferSize", [](S & s) -> auto& { return s.server.maxHttpBufferSize; },
            1),
        {"engine.transports", setTransports,
         [](const S& s) { return joined(s.server.transports); }},
        flag(
            "engine.allowUpgrades", [](S & s) -> auto& { return s.server.allowUpgrades; }),
        flag(
            "engine.engineIo3", [](S & s) -> auto& { return s.server.engineIo3; }),
        flag(
            "engine.engineIo4", [](S & s) -> auto& { return s.server.engineIo4; }),
        flag(
            "engine.jsonp", [](S & s) -> auto& { return s.server.jsonp; }),
        flag(
            "engine.httpCompression", [](S & s) -> auto& { return s.server.httpCompression; }),
        bytes(
            "engine.compressionThreshold",
            [](S & s) -> auto& { return s.server.compressionThreshold; }),
        {"engine.corsAllowedOrigins", setOrigins, originsText},
        flag(
            "engine.corsCredentials", [](S & s) -> auto& { return s.server.corsCredentials; }),
        text(
            "engine.cookie", [](S & s) -> auto& { return s._cookie.name; }),
        text(
            "engine.cookiePath", [](S & s) -> auto& { return s._cookie.path; }),
        text(
            "engine.cookieDomain", [](S & s) -> auto& { return s._cookie.domain; }),
        choice(
            "engine.cookieSameSite", [](S & s) -> auto& { return s._cookie.sameSite; },
            std::vector<std::pair<std::string, std::string>>{
                {"Lax", "Lax"}, {"Strict", "Strict"}, {"None", "None"}, {"", ""}}),
        flag(
            "engine.cookieHttpOnly", [](S & s) -> auto& { return s._cookie.httpOnly; }),
        flag(
            "engine.cookieSecure", [](S & s) -> auto& { return s._cookie.secure; }),
        {"engine.cookieMaxAge",
         [](S& s, const Source& source, const std::string& value) {
             const std::uint64_t seconds = number(source, value, {0, 315'360'000, " seconds"});
             s._cookie.maxAge.reset();
             if (seconds > 0) s._cookie.maxAge = std::chrono::seconds(seconds);
         },
         [](const S& s) {
             return std::to_string(s._cookie.maxAge ? s._cookie.maxAge->count() : 0);
         }},
        flag(
            "engine.keepEnviron", [](S & s) -> auto& { return s.server.keepEnviron; }),
        flag(
            "engine.monitorClients", [](S & s) -> auto& { return s.server.monitorClients; }),
        bytes(
            "engine.maxOutboundBytes", [](S & s) -> auto& { return s.server.maxOutboundBytes; }),
        whole(
            "engine.maxPacketsPerPayload",
            [](S & s) -> auto& { return s.server.maxPacketsPerPayload; }, 1, 1'000'000),
        whole(
            "engine.maxPacketsPerPoll", [](S & s) -> auto& { return s.server.maxPacketsPerPoll; },
            1, 1'000'000),

        flag(
            "socket.asyncHandlers", [](S & s) -> auto& { return s.server.asyncHandlers; }),
        {"socket.namespaces",
         [](S& s, const Source&, const std::string& names) { s.server.namespaces = split(names); },
         [](const S& s) { return joined(s.server.namespaces); }},
        whole(
            "socket.maxNamespacesPerClient",
            [](S & s) -> auto& { return s.server.maxNamespacesPerClient; }, 1, 1'000'000),
        whole(
            "socket.maxPendingAcks", [](S & s) -> auto& { return s.server.maxPendingAcks; }, 1,
            1'000'000),
        milliseconds(
            "socket.ackTimeout", [](S & s) -> auto& { return s.server.ackTimeout; }),
        whole(
            "socket.inboundTasks", [](S & s) -> auto& { return s.server.inboundTasks; }, 1,
            1'000'000),
        bytes(
            "socket.inboundBytes", [](S & s) -> auto& { return s.server.inboundBytes; }, 1),

        bytes(
            "http.requestLine", [](S & s) -> auto& { return s.http.limits.head.requestLine; }, 64),
        bytes(
            "http.headerBytes", [](S & s) -> auto& { return s.http.limits.head.field; }, 64),
        bytes(
            "http.headersBytes", [](S & s) -> auto& { return s.http.limits.head.block; }, 64),
        whole(
            "http.headers", [](S & s) -> auto& { return s.http.limits.head.fields; }, 1, 10'000),
        milliseconds(
            "http.headTime", [](S & s) -> auto& { return s.http.limits.headTime; }),
        milliseconds(
            "http.bodyTime", [](S & s) -> auto& { return s.http.limits.bodyTime; }),
        milliseconds(
            "http.bodyGrace", [](S & s) -> auto& { return s.http.limits.bodyGrace; }),
        bytes(
            "http.minBodyRate", [](S & s) -> auto& { return s.http.limits.minBodyRate; }),
        milliseconds(
            "http.keepAliveTime", [](S & s) -> auto& { return s.http.limits.keepAliveTime; }),
        whole(
            "http.keepAliveRequests",
            [](S & s) -> auto& { return s.http.limits.keepAliveRequests; }, 1, kAnySize),
        bytes(
            "http.pipelinedBytes", [](S & s) -> auto& { return s.http.limits.pipelinedBytes; }, 1),
        bytes(
            "http.outboundBytes", [](S & s) -> auto& { return s.http.limits.outboundBytes; }),
        milliseconds(
            "http.writeStall", [](S & s) -> auto& { return s.http.limits.writeStall; }),
        bytes(
            "http.streamBuffer", [](S & s) -> auto& { return s.http.limits.streamBuffer; }, 1),
        milliseconds(
            "http.webSocketCloseWait",
            [](S & s) -> auto& { return s.http.limits.webSocketCloseWait; }),
        whole(
            "http.webSocketControlFrames",
            [](S & s) -> auto& { return s.http.limits.webSocketControlFrames; }, 1, 1'000'000),

        bytes(
            "fastcgi.paramsBytes", [](S & s) -> auto& { return s.fcgi.paramsBytes; }, 64),
        whole(
            "fastcgi.params", [](S & s) -> auto& { return s.fcgi.params; }, 1, 10'000),
        whole(
            "fastcgi.concurrentRequests", [](S & s) -> auto& { return s.fcgi.concurrentRequests; },
            1, 65'535),
        milliseconds(
            "fastcgi.headTime", [](S & s) -> auto& { return s.fcgi.headTime; }),
        milliseconds(
            "fastcgi.bodyTime", [](S & s) -> auto& { return s.fcgi.bodyTime; }),
        milliseconds(
            "fastcgi.bodyGrace", [](S & s) -> auto& { return s.fcgi.bodyGrace; }),
        bytes(
            "fastcgi.minBodyRate", [](S & s) -> auto& { return s.fcgi.minBodyRate; }),
        milliseconds(
            "fastcgi.keepAliveTime", [](S & s) -> auto& { return s.fcgi.keepAliveTime; }),
        bytes(
            "fastcgi.undecidedBytes", [](S & s) -> auto& { return s.fcgi.undecidedBytes; }, 1),
        milliseconds(
            "fastcgi.writeStall", [](S & s) -> auto& { return s.fcgi.writeStall; }),
        bytes(
            "fastcgi.streamBuffer", [](S & s) -> auto& { return s.fcgi.streamBuffer; }, 1),

        whole(
            "hub.ioThreads", [](S & s) -> auto& { return s.http.hub.ioThreads; }, 0, 1024),
        whole(
            "hub.keptWorkers", [](S & s) -> auto& { return s.http.hub.keptWorkers; }, 0, 4096),
        whole(
            "hub.maxWorkers", [](S & s) -> auto& { return s.http.hub.maxWorkers; }, 1, 4096),
        whole(
            "hub.maxQueuedWork", [](S & s) -> auto& { return s.http.hub.maxQueuedWork; }, 1,
            10'000'000),
        whole(
            "hub.maxConnections", [](S & s) -> auto& { return s.http.hub.maxConnections; }, 0,
            10'000'000),
        milliseconds(
            "hub.handlerWarning", [](S & s) -> auto& { return s.http.hub.handlerWarning; }),
    };
    return table;
}

const std::vector<SettingsReader::Option>& SettingsReader::options() {
    static const std::vector<Option> table = {
        {"--config", "FILE", nullptr, "settings as properties, XML or JSON; see conf/"},
        {"--listen", "ADDRESS", nullptr,
         "http://HOST:PORT, https://HOST:PORT, fastcgi://HOST:PORT,"},
        {nullptr, nullptr, nullptr, "fastcgi:/PATH or fastcgi:stdin; several may be given"},
        {"--host", "ADDRESS", "server.host", "without --listen: where; every address by default"},
        {"--port", "N", "server.port", "without --listen: 5000 by default; 0: the system chooses"},
        {"--www", "FOLDER", "server.www", "the page and its files"},
        {"--mount", "PATH=FOLDER", nullptr, "files of a folder below a path; several may be given"},
        {"--client", "FOLDER", "server.client",
         "the official browser client (socket.io-client/dist)"},
        {"--app", "LIBRARY", nullptr, "an application to run; several may be given"},
        {"--reload", nullptr, "server.reload", "take applications anew when they are rebuilt"},
        {"--log-level", "LEVEL", "log.level",
         "error, warning, notice, information, debug or trace"},
        {"--set", "KEY=VALUE", nullptr, "any key of the configuration file"},
        {"--pidfile", "FILE", "server.pidFile", "holds the process id while it runs"},
        {"--daemon", nullptr, nullptr, "go into the background as soon as it serves"},
        {"--check", nullptr, nullptr, "say what is wrong with the settings, and end"},
        {"--show-config", nullptr, nullptr, "every key and its value as it would be, and end"},
        {"--help", nullptr, nullptr, "this list"},
        {"--version", nullptr, nullptr, "name and version"},
    };
    return table;
}

/// "; did you mean server.port?", for a key that is nearly one.
std::string SettingsReader::suggestion(const std::string& key) {
    std::string best;
    std::size_t bestDistance = 4;
    for (const Key& known : keys()) {
        const std::string name = known.name;
        std::vector<std::size_t> row(name.size() + 1);
        for (std::size_t j = 0; j <= name.size(); ++j) row[j] = j;
        for (std::size_t i = 1; i <= key.size() && key.size() < 100; ++i) {
            std::size_t diagonal = row[0];
            row[0] = i;
            for (std::size_t j = 1; j <= name.size(); ++j) {
                const std::size_t above = row[j];
                const std::size_t change = std::tolower(static_cast<unsigned char>(key[i - 1])) !=
                                           std::tolower(static_cast<unsigned char>(name[j - 1]));
                row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + change});
                diagonal = above;
            }
        }
        if (row.back() < bestDistance) {
            bestDistance = row.back();
            best = name;
        }
    }
    return best.empty() ? "" : "; did you mean " + best + "?";
}

void SettingsReader::set(const std::string& key, const Source& source, const std::string& value) {
    if (const Key* const known = find(key)) {
        known->set(_settings, source, value);
        _settings.origins[key] = source.where;
        return;
    }
    const std::size_t dot = key.find('.');
    const std::string group = key.substr(0, dot);
    const std::string rest = dot == key.npos ? "" : key.substr(dot + 1);
    if (group == "logging" && !rest.empty()) {
        if (!_logging) _logging = new Poco::Util::MapConfiguration;
        _logging->setString(key, value);
        return;
    }
    if (group == "app" && !rest.empty()) {
        _settings.applicationSettings[rest] = value;
        return;
    }
    const std::size_t second = rest.find('.');
    const std::string name = rest.substr(0, second);
    const std::string part = second == rest.npos ? "" : rest.substr(second + 1);
    if (group == "listen" && isName(name)) {
        Listener& listener = _listeners[name];
        if (listener.where.empty()) listener.where = source.where;
        try {
            return setListenerPart(listener, part, source, value);
        } catch (const UsageError&) {
            _doubtful.insert(name);  // what is missing there is not worth another line
            throw;
        }
    }
    if (group == "mount" && isName(name) && (part == "path" || part == "folder")) {
        FolderMount& mount = _mounts[name];
        mount.where = source.where;
        if (part == "path") {
            if (value.empty()) bad(source, value, "a path such as /docs");
            checkUrlPath(source, value);
            mount.path = value;
        } else {
            mount.folder = absolute(source, value);
        }
        return;
    }
    throw UsageError("unknown key " + source.where + suggestion(key));
}

void SettingsReader::readFile(const std::string& path) {
    const std::string folder = Poco::Path(path).makeAbsolute().parent().toString();
    for (const ConfigEntry& entry : readConfigFile(path))
        attempt([&] {
            set(entry.key,
                {entry.key + " in " + path + ", line " + std::to_string(entry.line), folder},
                entry.value);
        });
}

void SettingsReader::apply(const Option& option, const std::string& value) {
    const std::string name = option.name;
    Source source{name, Poco::Path::current()};
    if (option.key) return set(option.key, source, option.value ? value : "true");
    if (name == "--listen") {
        Listener listener;
        setAddress(listener, source, value);
        listener.where = name + " " + value;
        _listenOptions.push_back(std::move(listener));
    } else if (name == "--mount") {
        const std::size_t equals = value.find('=');
        if (equals == value.npos || equals == 0) bad(source, value, "PATH=FOLDER");
        checkUrlPath(source, value.substr(0, equals));
        _settings.mounts.push_back({value.substr(0, equals),
                                    absolute(source, value.substr(equals + 1)),
                                    name + " " + value});
    } else if (name == "--app") {
        // Those of the command line stand for those of the file.
        if (!std::exchange(_applicationOption, true)) _settings.applications.clear();
        _settings.applications.push_back(absolute(source, value));
        _settings.origins["server.app"] = name;
    } else if (name == "--set") {
        const std::size_t equals = value.find('=');
        if (equals == value.npos || equals == 0) bad(source, value, "KEY=VALUE");
        source.where = value.substr(0, equals) + " in --set";
        set(value.substr(0, equals), source, value.substr(equals + 1));
    }
}

void SettingsReader::read(const std::vector<std::string>& arguments) {
    std::vector<std::pair<const Option*, std::string>> given;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        const std::size_t equals = argument.find('=');
        const std::string name = argument.substr(0, equals);
        const Option* option = nullptr;
        for (const Option& each : options())
            if (each.name && name == each.name) option = &each;
        if (!option || (!option->value && equals != argument.npos))
            throw UsageError("unknown option " + argument + " (--help lists them)");
        if (!option->value) {
            if (name == "--help") _settings.help = true;
            if (name == "--version") _settings.version = true;
            if (name == "--check") _settings.check = true;
            if (name == "--show-config") _settings.showConfig = true;
            if (name == "--daemon") _settings.daemon = true;
            if (option->key) given.emplace_back(option, "");
            continue;
        }
        if (equals == argument.npos && i + 1 == arguments.size())
            throw UsageError(name + " needs a value: " + option->value);
        given.emplace_back(option,
                           equals == argument.npos ? arguments[++i] : argument.substr(equals + 1));
    }
    if (_settings.help || _settings.version) return;
    for (const auto& [option, value] : given)
        if (option->name == std::string("--config"))
            attempt([this, &path = value] { readFile(path); });
    for (const auto& [option, value] : given)
        if (option->name != std::string("--config"))
            attempt([this, &each = *option, &text = value] { apply(each, text); });
    finish();
}

/// What follows from several keys.
void SettingsReader::finish() {
    _settings.logging = _logging;
    if (!_settings._cookie.name.empty()) _settings.server.cookie = _settings._cookie;
    for (auto& [name, mount] : _mounts) {
        if (mount.path.empty() || mount.folder.empty())
            attempt([&key = name, &where = mount.where] {
                throw UsageError(where + ": mount." + key + ".path and mount." + key +
                                 ".folder are both needed");
            });
        else
            _settings.mounts.push_back(mount);
    }
    // --listen stands for the listeners of the file.
    if (!_listenOptions.empty()) {
        _settings.listeners = std::move(_listenOptions);
    } else {
        for (auto& [name, listener] : _listeners) {
            if (_doubtful.count(name)) continue;
            if (listener.port == 0 && listener.host.empty() && listener.unixSocket.empty() &&
                !listener.inherited && listener.where.find(".address") == std::string::npos)
                attempt([&key = name, &where = listener.where] {
                    throw UsageError(where + ": listen." + key + ".address is missing");
                });
            _settings.listeners.push_back(listener);
        }
    }
    if (_settings.listeners.empty()) {
        Listener listener;
        listener.host = _settings._host;
        listener.port = _settings._port;
        listener.where = _settings.origin("server.port");
        if (listener.where.empty()) listener.where = _settings.origin("server.host");
        _settings.listeners.push_back(std::move(listener));
    } else {
        for (const char* key : {"server.host", "server.port"})
            if (!_settings.origin(key).empty())
                attempt([&] {
                    throw UsageError(_settings.origin(key) +
                                     ": says nothing beside the listeners that are given; use " +
                                     (_listeners.empty() ? "--listen" : "listen.NAME.address") +
                                     " alone");
                });
    }
    for (const Listener& listener : _settings.listeners) {
        if (listener.kind == Listener::Kind::Https && _settings.tls.certificateFile.empty())
            attempt([&] { throw UsageError(listener.where + ": https needs tls.certificate"); });
        if (listener.inherited && _settings.daemon)
            attempt([&] {
                throw UsageError(listener.where +
                                 ": --daemon leaves standard input, use one of them");
            });
        if (listener.proxyProtocol && listener.kind == Listener::Kind::FastCgi)
            attempt([&] { throw UsageError(listener.where + ": FastCGI has no proxyProtocol"); });
        if (listener.proxyProtocol && _settings.http.trustedProxies.empty())
            attempt([&] {
                throw UsageError(listener.where +
                                 ": proxyProtocol needs server.trustedProxies, from which alone "
                                 "connections are then taken");
            });
    }
    if (_settings.reload && _settings.applications.empty())
        attempt([&] {
            throw UsageError(_settings.origin("server.reload") + ": there is no --app to reload");
        });
}

Settings Settings::read(const std::vector<std::string>& arguments,
                        std::vector<std::string>* problems) {
    Settings settings;
    SettingsReader(settings, problems).read(arguments);
    return settings;
}

std::string Settings::origin(const std::string& key) const {
    const auto found = origins.find(key);
    return found == origins.end() ? "" : found->second;
}

std::string Settings::configText() const {
    std::string text;
    for (const Key& key : SettingsReader::keys()) {
        text.append(key.name).append(" =");
        const std::string value = key.get(*this);
        if (!value.empty()) text += ' ';
        for (const char c : value) {
            if (c == '\\') text += '\\';
            text += c;
        }
        text += '\n';
    }
    return text;
}

std::string Settings::helpText() {
    std::string text =
        "poco-socketio: a Socket.IO server\n\n"
        "usage: poco-socketio [option ...]\n\n";
    for (const auto& option : SettingsReader::options()) {
        std::string left = "  ";
        if (option.name) left += option.name;
        if (option.value) left.append(" ").append(option.value);
        left.resize(left.size() < 24 ? 24 : left.size() + 1, ' ');
        text.append(left).append(option.help).append("\n");
    }
    text +=
        "\nThe command line wins over the file. Without --app it serves a chat to try it out.\n"
        "SIGHUP: certificates and log files anew. SIGTERM: an orderly end.\n";
    return text;
}

}  // namespace socketio::app
