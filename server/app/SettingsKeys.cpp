#include "SettingsKeys.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <limits>

#include <Poco/Exception.h>
#include <Poco/Logger.h>

#include "socketio/base/Log.h"
#include "socketio/managers/ManagerUrls.h"
#include "socketio/protocol/JsonCodec.h"
#include "socketio/protocol/SocketPacket.h"

#include "SettingKey.h"

namespace socketio::app {

namespace {

void setLogLevel(Settings& s, const SettingSource& source, const std::string& level) {
    try {
        Poco::Logger::parseLevel(level);
    } catch (const Poco::Exception&) {
        bad(source, level, "a log level (error, warning, notice, information, debug, trace)");
    }
    s.logLevel = level;
}

void setTransports(Settings& s, const SettingSource& source, const std::string& names) {
    std::vector<std::string> transports = split(names);
    for (const std::string& name : transports)
        if (name != "polling" && name != "websocket") bad(source, name, "polling or websocket");
    if (transports.empty()) bad(source, names, "polling, websocket or both");
    s.server.transports = std::move(transports);
}

void setContentTypes(Settings& s, const SettingSource& source, const std::string& types) {
    s.files.contentTypes.clear();
    for (const std::string& each : split(types)) {
        const std::size_t equals = each.find('=');
        const std::string extension = each.substr(0, equals);
        const std::string type = equals == each.npos ? "" : each.substr(equals + 1);
        const bool lower = std::none_of(extension.begin(), extension.end(), [](unsigned char c) {
            return std::isupper(c) || c == '.' || c == ' ';
        });
        if (extension.empty() || !lower || type.find('/') == type.npos || type.front() == '/' ||
            type.front() == ' ')
            bad(source, each, "an extension in lower case and its type, such as md=text/markdown");
        s.files.contentTypes[extension] = type;
    }
}

std::string contentTypesText(const Settings& s) {
    std::vector<std::string> types;
    for (const auto& [extension, type] : s.files.contentTypes)
        types.push_back(extension + "=" + type);
    return joined(types);
}

std::string originsText(const Settings& s) {
    const AllowedOrigins& origins = s.server.corsAllowedOrigins;
    if (origins.mode == AllowedOrigins::Mode::Any) return "*";
    return origins.mode == AllowedOrigins::Mode::List ? joined(origins.list) : "";
}

/// A URL as it may be shown.
std::string withoutPassword(std::string url) {
    const std::size_t scheme = url.find("://");
    const std::size_t user = scheme == url.npos ? 0 : scheme + 3;
    const std::size_t at = url.rfind('@', url.find_first_of("/?", user));
    const std::size_t colon = url.find(':', user);
    if (at != url.npos && at > user && colon < at) url.replace(colon + 1, at - colon - 1, "***");
    return url;
}

void setOrigins(Settings& s, const SettingSource&, const std::string& origins) {
    if (origins == "*")
        s.server.corsAllowedOrigins = AllowedOrigins("*");
    else if (!split(origins).empty())
        s.server.corsAllowedOrigins = AllowedOrigins(split(origins));
    else
        s.server.corsAllowedOrigins = AllowedOrigins();
}

}  // namespace

const std::vector<SettingKey>& SettingsKeys::all() {
    static const std::vector<SettingKey> table = [] {
        std::vector<SettingKey> keys;
        for (auto* const area : {programKeys, tlsKeys, logKeys, engineKeys, socketKeys, clusterKeys,
                                 httpKeys, fastCgiKeys, hubKeys}) {
            std::vector<SettingKey> more = area();
            std::move(more.begin(), more.end(), std::back_inserter(keys));
        }
        return keys;
    }();
    return table;
}

const SettingKey* SettingsKeys::find(const std::string& name) {
    for (const SettingKey& key : all())
        if (name == key.name) return &key;
    return nullptr;
}

std::string SettingsKeys::suggestion(const std::string& key) {
    std::string best;
    std::size_t bestDistance = 4;
    for (const SettingKey& known : all()) {
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

std::vector<SettingKey> SettingsKeys::programKeys() {
    return {
        text(
            "server.host", [](Settings & s) -> auto& { return s._host; }),
        whole(
            "server.port", [](Settings & s) -> auto& { return s._port; }, 0, 65535),
        text(
            "server.name", [](Settings & s) -> auto& { return s.http.serverName; }),
        {"server.trustedProxies",
         [](Settings& s, const SettingSource& source, const std::string& value) {
             try {
                 s.http.trustedProxies = TrustedProxies(value);
             } catch (const Poco::Exception& e) {
                 throw UsageError(
                     source.where + ": " + e.message() +
                     "; addresses, networks such as 10.0.0.0/8 and `unix` are allowed");
             }
             s._trustedProxies = joined(split(value));
         },
         [](const Settings& s) { return s._trustedProxies; }},
        path(
            "server.www", [](Settings & s) -> auto& { return s.www; }),
        path(
            "server.client", [](Settings & s) -> auto& { return s.middleware.clientFolder; }),
        text(
            "server.path", [](Settings & s) -> auto& { return s.middleware.path; }),
        flag(
            "server.addTrailingSlash",
            [](Settings & s) -> auto& { return s.middleware.addTrailingSlash; }),
        paths(
            "server.app", [](Settings & s) -> auto& { return s.applications; }),
        flag(
            "server.reload", [](Settings & s) -> auto& { return s.reload; }),
        path(
            "server.pidFile", [](Settings & s) -> auto& { return s.pidFile; }),
        milliseconds(
            "server.drainDelay", [](Settings & s) -> auto& { return s.drainDelay; }, 0),
        milliseconds(
            "server.stopTimeout", [](Settings & s) -> auto& { return s.http.stopTimeout; }, 0),

        text(
            "files.index", [](Settings & s) -> auto& { return s.files.index; }),
        text(
            "files.cacheControl", [](Settings & s) -> auto& { return s.files.cacheControl; }),
        {"files.contentTypes", setContentTypes, contentTypesText},
        flag(
            "files.dotFiles", [](Settings & s) -> auto& { return s.files.dotFiles; }),
        whole(
            "files.maxStreams", [](Settings & s) -> auto& { return s.files.maxStreams; }, 1,
            65'536),

        urlPath(
            "health.live", [](Settings & s) -> auto& { return s.health.live; }),
        urlPath(
            "health.ready", [](Settings & s) -> auto& { return s.health.ready; }),
    };
}

std::vector<SettingKey> SettingsKeys::tlsKeys() {
    return {
        path(
            "tls.certificate", [](Settings & s) -> auto& { return s.tls.certificateFile; }),
        path(
            "tls.key", [](Settings & s) -> auto& { return s.tls.privateKeyFile; }),
        {"tls.passphrase",
         [](Settings& s, const SettingSource&, const std::string& value) {
             s.tls.passphrase = value;
         },
         [](const Settings& s) { return std::string(s.tls.passphrase.empty() ? "" : "***"); }},
        path(
            "tls.chain", [](Settings & s) -> auto& { return s.tls.chainFile; }),
        path(
            "tls.ca", [](Settings & s) -> auto& { return s.tls.caFile; }),
        choice(
            "tls.clients", [](Settings & s) -> auto& { return s.tls.clients; },
            std::vector<std::pair<std::string, TlsOptions::Clients>>{
                {"ignored", TlsOptions::Clients::Ignored},
                {"optional", TlsOptions::Clients::Optional},
                {"required", TlsOptions::Clients::Required}}),
        text(
            "tls.ciphers", [](Settings & s) -> auto& { return s.tls.ciphers; }),
        text(
            "tls.cipherSuites", [](Settings & s) -> auto& { return s.tls.cipherSuites; }),
        choice(
            "tls.minimumVersion", [](Settings & s) -> auto& { return s.tls.minimumVersion; },
            std::vector<std::pair<std::string, TlsOptions::Version>>{
                {"1.2", TlsOptions::Version::Tls12}, {"1.3", TlsOptions::Version::Tls13}}),
        milliseconds(
            "tls.handshakeTime", [](Settings & s) -> auto& { return s.http.limits.handshakeTime; }),
    };
}

std::vector<SettingKey> SettingsKeys::logKeys() {
    return {
        {"log.level", setLogLevel, [](const Settings& s) { return s.logLevel; }},
        choice(
            "log.format", [](Settings & s) -> auto& { return s.logFormat; },
            std::vector<std::pair<std::string, std::string>>{{"text", "text"}, {"json", "json"}}),
        bytes(
            "log.lineBytes", [](Settings & s) -> auto& { return s.server.logLineBytes; }, 100),
        whole(
            "log.linesPerSecond", [](Settings & s) -> auto& { return s.server.logLinesPerSecond; },
            1, 1'000'000),
        path(
            "log.file", [](Settings & s) -> auto& { return s.logFile; }),
        {"access.file",
         [](Settings& s, const SettingSource& source, const std::string& value) {
             s.accessFile = value == "-" ? value : absolute(source, value);
         },
         [](const Settings& s) { return s.accessFile; }},
        choice(
            "access.format", [](Settings & s) -> auto& { return s.access.format; },
            std::vector<std::pair<std::string, AccessLogOptions::Format>>{
                {"combined", AccessLogOptions::Format::Combined},
                {"common", AccessLogOptions::Format::Common},
                {"json", AccessLogOptions::Format::Json}}),
        choice(
            "access.query", [](Settings & s) -> auto& { return s.access.query; },
            std::vector<std::pair<std::string, AccessLogOptions::Query>>{
                {"names", AccessLogOptions::Query::Names},
                {"none", AccessLogOptions::Query::None},
                {"all", AccessLogOptions::Query::All}}),
    };
}

std::vector<SettingKey> SettingsKeys::engineKeys() {
    return {
        milliseconds(
            "engine.pingInterval", [](Settings & s) -> auto& { return s.server.pingInterval; }),
        milliseconds(
            "engine.pingTimeout", [](Settings & s) -> auto& { return s.server.pingTimeout; }),
        milliseconds(
            "engine.upgradeTimeout", [](Settings & s) -> auto& { return s.server.upgradeTimeout; }),
        milliseconds(
            "engine.connectTimeout", [](Settings & s) -> auto& { return s.server.connectTimeout; }),
        bytes(
            "engine.maxHttpBufferSize",
            [](Settings & s) -> auto& { return s.server.maxHttpBufferSize; }, 1),
        {"engine.transports", setTransports,
         [](const Settings& s) { return joined(s.server.transports); }},
        flag(
            "engine.allowUpgrades", [](Settings & s) -> auto& { return s.server.allowUpgrades; }),
        flag(
            "engine.engineIo3", [](Settings & s) -> auto& { return s.server.engineIo3; }),
        flag(
            "engine.engineIo4", [](Settings & s) -> auto& { return s.server.engineIo4; }),
        flag(
            "engine.jsonp", [](Settings & s) -> auto& { return s.server.jsonp; }),
        flag(
            "engine.httpCompression",
            [](Settings & s) -> auto& { return s.server.httpCompression; }),
        bytes(
            "engine.compressionThreshold",
            [](Settings & s) -> auto& { return s.server.compressionThreshold; }),
        {"engine.corsAllowedOrigins", setOrigins, originsText},
        flag(
            "engine.corsCredentials",
            [](Settings & s) -> auto& { return s.server.corsCredentials; }),
        text(
            "engine.cookie", [](Settings & s) -> auto& { return s._cookie.name; }),
        text(
            "engine.cookiePath", [](Settings & s) -> auto& { return s._cookie.path; }),
        text(
            "engine.cookieDomain", [](Settings & s) -> auto& { return s._cookie.domain; }),
        choice(
            "engine.cookieSameSite", [](Settings & s) -> auto& { return s._cookie.sameSite; },
            std::vector<std::pair<std::string, std::string>>{
                {"Lax", "Lax"}, {"Strict", "Strict"}, {"None", "None"}, {"", ""}}),
        flag(
            "engine.cookieHttpOnly", [](Settings & s) -> auto& { return s._cookie.httpOnly; }),
        flag(
            "engine.cookieSecure", [](Settings & s) -> auto& { return s._cookie.secure; }),
        {"engine.cookieMaxAge",
         [](Settings& s, const SettingSource& source, const std::string& value) {
             const std::uint64_t seconds = number(source, value, {0, 315'360'000, " seconds"});
             s._cookie.maxAge.reset();
             if (seconds > 0) s._cookie.maxAge = std::chrono::seconds(seconds);
         },
         [](const Settings& s) {
             return std::to_string(s._cookie.maxAge ? s._cookie.maxAge->count() : 0);
         }},
        flag(
            "engine.keepEnviron", [](Settings & s) -> auto& { return s.server.keepEnviron; }),
        flag(
            "engine.monitorClients", [](Settings & s) -> auto& { return s.server.monitorClients; }),
        bytes(
            "engine.maxOutboundBytes",
            [](Settings & s) -> auto& { return s.server.maxOutboundBytes; }),
        whole(
            "engine.maxPacketsPerPayload",
            [](Settings & s) -> auto& { return s.server.maxPacketsPerPayload; }, 1, 1'000'000),
        whole(
            "engine.maxPacketsPerPoll",
            [](Settings & s) -> auto& { return s.server.maxPacketsPerPoll; }, 1, 1'000'000),
        whole(
            "engine.maxQueryParameters",
            [](Settings & s) -> auto& { return s.server.maxQueryParameters; }, 1, kAnySize),
        whole(
            "engine.handshakesPerSecond",
            [](Settings & s) -> auto& { return s.server.handshakesPerSecond; }, 0, kAnySize),
        whole(
            "engine.drainSessions", [](Settings & s) -> auto& { return s.server.drainSessions; }, 1,
            kAnySize),
        milliseconds(
            "engine.drainInterval", [](Settings & s) -> auto& { return s.server.drainInterval; }),
    };
}

std::vector<SettingKey> SettingsKeys::socketKeys() {
    return {
        flag(
            "socket.asyncHandlers", [](Settings & s) -> auto& { return s.server.asyncHandlers; }),
        {"socket.namespaces",
         [](Settings& s, const SettingSource&, const std::string& names) {
             s.server.namespaces = split(names);
         },
         [](const Settings& s) { return joined(s.server.namespaces); }},
        whole(
            "socket.maxNamespacesPerClient",
            [](Settings & s) -> auto& { return s.server.maxNamespacesPerClient; }, 1, 1'000'000),
        whole(
            "socket.maxNamespaceBytes",
            [](Settings & s) -> auto& { return s.server.packetLimits.maxNamespaceBytes; }, 1,
            kAnySize, " bytes"),
        whole(
            "socket.maxEventBytes",
            [](Settings & s) -> auto& { return s.server.packetLimits.maxEventBytes; }, 1, kAnySize,
            " bytes"),
        whole(
            "socket.maxAttachments",
            [](Settings & s) -> auto& { return s.server.packetLimits.maxAttachments; }, 1,
            kMaxAttachments),
        whole(
            "socket.maxQueryParameters",
            [](Settings & s) -> auto& { return s.server.packetLimits.maxQueryParameters; }, 1,
            kAnySize),
        whole(
            "socket.maxJsonDepth",
            [](Settings & s) -> auto& { return s.server.packetLimits.maxJsonDepth; }, 1,
            JsonCodec::kMaxDepth),
        whole(
            "socket.maxPendingAcks", [](Settings & s) -> auto& { return s.server.maxPendingAcks; },
            1, 1'000'000),
        milliseconds(
            "socket.ackTimeout", [](Settings & s) -> auto& { return s.server.ackTimeout; }),
        whole(
            "socket.inboundTasks", [](Settings & s) -> auto& { return s.server.inboundTasks; }, 1,
            1'000'000),
        bytes(
            "socket.inboundBytes", [](Settings & s) -> auto& { return s.server.inboundBytes; }, 1),
        whole(
            "socket.totalInboundTasks",
            [](Settings & s) -> auto& { return s.server.totalInboundTasks; }, 1, 100'000'000),
        whole(
            "socket.totalInboundBytes",
            [](Settings & s) -> auto& { return s.server.totalInboundBytes; }, 1,
            std::numeric_limits<std::size_t>::max(), " bytes"),
    };
}

std::vector<SettingKey> SettingsKeys::clusterKeys() {
    return {
        {"cluster.manager",
         [](Settings& s, const SettingSource& source, const std::string& value) {
             try {
                 if (!value.empty()) createManager(value);  // which connects to nothing yet
             } catch (...) {
                 throw UsageError(source.where + ": " + exceptionText());
             }
             s.cluster.manager = value;
         },
         [](const Settings& s) { return withoutPassword(s.cluster.manager); }},
        text(
            "cluster.channel", [](Settings & s) -> auto& { return s.cluster.channel; }),
        choice(
            "cluster.dialect", [](Settings & s) -> auto& { return s.cluster.options.dialect; },
            std::vector<std::pair<std::string, QueueDialect>>(kQueueDialects.begin(),
                                                              kQueueDialects.end())),
        flag(
            "cluster.readPickle",
            [](Settings & s) -> auto& { return s.cluster.options.readPickle; }),
        whole(
            "cluster.publishMessages",
            [](Settings & s) -> auto& { return s.cluster.options.publishMessages; }, 1,
            100'000'000),
        bytes(
            "cluster.publishBytes",
            [](Settings & s) -> auto& { return s.cluster.options.publishBytes; }, 1),
        milliseconds(
            "cluster.publishAge",
            [](Settings & s) -> auto& { return s.cluster.options.publishAge; }),
        whole(
            "cluster.receiveMessages",
            [](Settings & s) -> auto& { return s.cluster.options.receiveMessages; }, 1,
            100'000'000),
        bytes(
            "cluster.receiveBytes",
            [](Settings & s) -> auto& { return s.cluster.options.receiveBytes; }, 1),
        bytes(
            "cluster.messageBytes",
            [](Settings & s) -> auto& { return s.cluster.options.messageBytes; }, 1),
        whole(
            "cluster.pendingCallbacks",
            [](Settings & s) -> auto& { return s.cluster.options.pendingCallbacks; }, 1,
            100'000'000),
        milliseconds(
            "cluster.redisConnectTimeout",
            [](Settings & s) -> auto& { return s.cluster.broker.redisConnectTimeout; }),
        milliseconds(
            "cluster.redisCommandTimeout",
            [](Settings & s) -> auto& { return s.cluster.broker.redisCommandTimeout; }),
        milliseconds(
            "cluster.redisPingInterval",
            [](Settings & s) -> auto& { return s.cluster.broker.redisPingInterval; }),
        {"cluster.amqpHeartbeat",
         [](Settings& s, const SettingSource& source, const std::string& value) {
             s.cluster.broker.amqpHeartbeat = std::chrono::seconds(
                 number(source, value, {1000, 3'600'000, " milliseconds"}) / 1000);
         },
         [](const Settings& s) {
             return std::to_string(
                 std::chrono::milliseconds(s.cluster.broker.amqpHeartbeat).count());
         }},
        milliseconds(
            "cluster.amqpTimeout",
            [](Settings & s) -> auto& { return s.cluster.broker.amqpTimeout; }),
        whole(
            "cluster.amqpPrefetch",
            [](Settings & s) -> auto& { return s.cluster.broker.amqpPrefetch; }, 1, 65'535),
    };
}

std::vector<SettingKey> SettingsKeys::httpKeys() {
    return {
        bytes(
            "http.requestLine",
            [](Settings & s) -> auto& { return s.http.limits.head.requestLine; }, 64),
        bytes(
            "http.headerBytes", [](Settings & s) -> auto& { return s.http.limits.head.field; }, 64),
        bytes(
            "http.headersBytes", [](Settings & s) -> auto& { return s.http.limits.head.block; },
            64),
        whole(
            "http.headers", [](Settings & s) -> auto& { return s.http.limits.head.fields; }, 1,
            10'000),
        bytes(
            "http.chunkLine", [](Settings & s) -> auto& { return s.http.limits.chunks.line; }, 16),
        bytes(
            "http.chunkOverhead",
            [](Settings & s) -> auto& { return s.http.limits.chunks.overhead; }),
        bytes(
            "http.trailerBytes",
            [](Settings & s) -> auto& { return s.http.limits.chunks.trailers; }, 2),
        milliseconds(
            "http.headTime", [](Settings & s) -> auto& { return s.http.limits.headTime; }),
        milliseconds(
            "http.bodyTime", [](Settings & s) -> auto& { return s.http.limits.bodyTime; }),
        milliseconds(
            "http.bodyGrace", [](Settings & s) -> auto& { return s.http.limits.bodyGrace; }),
        bytes(
            "http.minBodyRate", [](Settings & s) -> auto& { return s.http.limits.minBodyRate; }),
        milliseconds(
            "http.keepAliveTime",
            [](Settings & s) -> auto& { return s.http.limits.keepAliveTime; }),
        whole(
            "http.keepAliveRequests",
            [](Settings & s) -> auto& { return s.http.limits.keepAliveRequests; }, 1, kAnySize),
        whole(
            "http.connectionsPerAddress",
            [](Settings & s) -> auto& { return s.http.limits.connectionsPerAddress; }, 0, kAnySize),
        bytes(
            "http.pipelinedBytes",
            [](Settings & s) -> auto& { return s.http.limits.pipelinedBytes; }, 1),
        bytes(
            "http.outboundBytes",
            [](Settings & s) -> auto& { return s.http.limits.outboundBytes; }),
        milliseconds(
            "http.writeStall", [](Settings & s) -> auto& { return s.http.limits.writeStall; }),
        bytes(
            "http.streamBuffer", [](Settings & s) -> auto& { return s.http.limits.streamBuffer; },
            1),
        milliseconds(
            "http.webSocketCloseWait",
            [](Settings & s) -> auto& { return s.http.limits.webSocketCloseWait; }),
        whole(
            "http.webSocketControlFrames",
            [](Settings & s) -> auto& { return s.http.limits.webSocketControlFrames; }, 1,
            1'000'000),
        whole(
            "http.webSocketFragments",
            [](Settings & s) -> auto& { return s.http.limits.webSocketFragments; }, 1, kAnySize),
    };
}

std::vector<SettingKey> SettingsKeys::fastCgiKeys() {
    return {
        bytes(
            "fastcgi.paramsBytes", [](Settings & s) -> auto& { return s.fcgi.paramsBytes; }, 64),
        whole(
            "fastcgi.params", [](Settings & s) -> auto& { return s.fcgi.params; }, 1, 10'000),
        whole(
            "fastcgi.concurrentRequests",
            [](Settings & s) -> auto& { return s.fcgi.concurrentRequests; }, 1, 65'535),
        milliseconds(
            "fastcgi.headTime", [](Settings & s) -> auto& { return s.fcgi.headTime; }),
        milliseconds(
            "fastcgi.bodyTime", [](Settings & s) -> auto& { return s.fcgi.bodyTime; }),
        milliseconds(
            "fastcgi.bodyGrace", [](Settings & s) -> auto& { return s.fcgi.bodyGrace; }),
        bytes(
            "fastcgi.minBodyRate", [](Settings & s) -> auto& { return s.fcgi.minBodyRate; }),
        milliseconds(
            "fastcgi.keepAliveTime", [](Settings & s) -> auto& { return s.fcgi.keepAliveTime; }),
        bytes(
            "fastcgi.undecidedBytes", [](Settings & s) -> auto& { return s.fcgi.undecidedBytes; },
            1),
        milliseconds(
            "fastcgi.writeStall", [](Settings & s) -> auto& { return s.fcgi.writeStall; }),
        bytes(
            "fastcgi.streamBuffer", [](Settings & s) -> auto& { return s.fcgi.streamBuffer; }, 1),
    };
}

std::vector<SettingKey> SettingsKeys::hubKeys() {
    return {
        choice(
            "hub.dispatch", [](Settings & s) -> auto& { return s.http.hub.dispatch; },
            std::vector<std::pair<std::string, Dispatch>>{{"adaptive", Dispatch::Adaptive},
                                                          {"pool", Dispatch::Pool},
                                                          {"inline", Dispatch::Inline}}),
        whole(
            "hub.ioThreads", [](Settings & s) -> auto& { return s.http.hub.ioThreads; }, 0, 1024),
        whole(
            "hub.keptWorkers", [](Settings & s) -> auto& { return s.http.hub.keptWorkers; }, 0,
            4096),
        whole(
            "hub.maxWorkers", [](Settings & s) -> auto& { return s.http.hub.maxWorkers; }, 1, 4096),
        whole(
            "hub.maxQueuedWork", [](Settings & s) -> auto& { return s.http.hub.maxQueuedWork; }, 1,
            10'000'000),
        whole(
            "hub.maxConnections", [](Settings & s) -> auto& { return s.http.hub.maxConnections; },
            0, 10'000'000),
        whole(
            "hub.backlog", [](Settings & s) -> auto& { return s.http.hub.backlog; }, 1, 1'000'000),
        whole(
            "hub.maxOutbound", [](Settings & s) -> auto& { return s.http.hub.maxOutbound; }, 0,
            std::numeric_limits<std::size_t>::max(), " bytes"),
        milliseconds(
            "hub.handlerWarning", [](Settings & s) -> auto& { return s.http.hub.handlerWarning; }),
    };
}

}  // namespace socketio::app
