#include "LimitsText.h"

#include <algorithm>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include <Poco/Bugcheck.h>

#include "socketio/fcgi/FcgiRecord.h"
#include "socketio/net/Hub.h"
#include "socketio/protocol/SocketPacket.h"

#include "SettingsKeys.h"

namespace socketio::app {

namespace {

/// One line. Without `value` the setting's own; `zero` is what 0 means, where that is no number.
struct Line {
    const char* name;
    const char* unit = "";
    const char* zero = nullptr;
    std::function<std::string(const Settings&)> value{};
};

Line fixed(const char* name, std::string value, const char* unit) {
    return {name, unit, nullptr,
            [text = std::move(value)](const Settings&) { return text + " (fixed)"; }};
}

/// Each listener has its own.
Line byDefault(const char* name, std::string value) {
    return {name, "by default", nullptr,
            [text = std::move(value)](const Settings&) { return text; }};
}

/// What the hub makes of its options on this machine.
const HubOptions& inEffect(const Settings& settings) {
    static const Hub hub(settings.http.hub);
    return hub.options();
}

struct Area {
    const char* name;
    std::vector<Line> lines;
};

std::vector<Area> areas() {
    // Where nothing is set: four messages, at least 4 MiB.
    const auto outbound = [](std::size_t set, const Settings& s) {
        EngineOptions options;
        options.maxHttpBufferSize = s.server.maxHttpBufferSize;
        options.maxOutboundBytes = set;
        return std::to_string(options.outboundLimit());
    };
    return {
        {"requests",
         {{"http.requestLine", "bytes"},
          {"http.headerBytes", "bytes"},
          {"http.headersBytes", "bytes"},
          {"http.headers"},
          {"http.headTime", "ms"},
          {"http.bodyTime", "ms"},
          {"http.bodyGrace", "ms"},
          {"http.minBodyRate", "bytes/s"},
          {"http.chunkLine", "bytes"},
          {"http.chunkOverhead", "bytes"},
          {"http.trailerBytes", "bytes"},
          {"engine.maxHttpBufferSize", "bytes"},
          {"engine.maxQueryParameters"}}},
        {"connections",
         {{"http.keepAliveTime", "ms"},
          {"http.keepAliveRequests"},
          {"http.pipelinedBytes", "bytes"},
          {"tls.handshakeTime", "ms"},
          {"tls.minimumVersion"},
          {"hub.maxConnections", "", nullptr,
           [](const Settings& s) { return std::to_string(inEffect(s).maxConnections); }},
          {"http.connectionsPerAddress", "", "off"},
          {"engine.handshakesPerSecond", "/s", "off"},
          {"hub.backlog"}}},
        {"output",
         {{"engine.maxOutboundBytes", "bytes", nullptr,
           [outbound](const Settings& s) { return outbound(s.server.maxOutboundBytes, s); }},
          {"http.outboundBytes", "bytes", nullptr,
           [outbound](const Settings& s) { return outbound(s.http.limits.outboundBytes, s); }},
          {"http.streamBuffer", "bytes"},
          {"hub.maxOutbound", "bytes", "off"},
          {"http.writeStall", "ms"}}},
        {"Engine.IO",
         {{"engine.maxPacketsPerPayload"},
          {"engine.maxPacketsPerPoll"},
          fixed("engine.overlappingRequests", "1 poll, 1 POST", ""),
          {"engine.pingInterval", "ms"},
          {"engine.pingTimeout", "ms"},
          {"engine.upgradeTimeout", "ms"},
          {"engine.connectTimeout", "ms"},
          {"engine.transports"},
          {"engine.jsonp"},
          {"engine.engineIo3"},
          {"engine.engineIo4"},
          {"engine.corsAllowedOrigins", "", nullptr,
           [](const Settings& s) {
               const std::string origins = SettingsKeys::find("engine.corsAllowedOrigins")->get(s);
               return origins.empty() ? "same origin" : origins;
           }},
          {"server.trustedProxies"},
          {"engine.cookie"},
          {"engine.httpCompression"},
          {"engine.compressionThreshold", "bytes"},
          fixed("engine.contentEncoding", "identity", "")}},
        {"WebSocket",
         {{"engine.maxHttpBufferSize", "bytes of a message and of a frame"},
          {"http.webSocketFragments"},
          {"http.webSocketControlFrames", "/s"},
          {"http.webSocketCloseWait", "ms"},
          fixed("http.webSocketDeflate", "off", "")}},
        {"Socket.IO packets",
         {{"socket.maxNamespacesPerClient"},
          {"socket.maxNamespaceBytes", "bytes"},
          {"socket.maxEventBytes", "bytes"},
          {"socket.maxAttachments"},
          {"socket.maxAttachmentBytes", "bytes (as engine.maxHttpBufferSize)", nullptr,
           [](const Settings& s) { return std::to_string(s.server.maxHttpBufferSize); }},
          fixed("socket.halfPackets", "1", ""),
          {"socket.attachmentTime", "ms (engine.pingInterval and pingTimeout)", nullptr,
           [](const Settings& s) {
               return std::to_string((s.server.pingInterval + s.server.pingTimeout).count());
           }},
          {"socket.maxQueryParameters"},
          fixed("socket.maxAckId", std::to_string(kMaxAckId), ""),
          {"socket.maxJsonDepth"},
          {"socket.maxPendingAcks"},
          {"socket.ackTimeout", "ms"}}},
        {"handlers",
         {{"socket.inboundTasks"},
          {"socket.inboundBytes", "bytes"},
          {"socket.totalInboundTasks"},
          {"socket.totalInboundBytes", "bytes"},
          {"hub.ioThreads", "", nullptr,
           [](const Settings& s) { return std::to_string(inEffect(s).ioThreads); }},
          {"hub.keptWorkers", "", nullptr,
           [](const Settings& s) {
               const unsigned kept = inEffect(s).keptWorkers;
               return std::to_string(
                   kept > 0 ? kept : 2 * std::max(1u, std::thread::hardware_concurrency()));
           }},
          {"hub.maxWorkers"},
          {"hub.maxQueuedWork"},
          {"hub.handlerWarning", "ms"},
          {"files.maxStreams"}}},
        {"FastCGI",
         {{"fastcgi.paramsBytes", "bytes"},
          {"fastcgi.params"},
          fixed("fastcgi.record", std::to_string(FcgiRecord::kMaxContent) + " + 255", "bytes"),
          {"fastcgi.concurrentRequests"},
          {"fastcgi.headTime", "ms"},
          {"fastcgi.bodyTime", "ms"},
          {"fastcgi.bodyGrace", "ms"},
          {"fastcgi.minBodyRate", "bytes/s"},
          {"fastcgi.keepAliveTime", "ms"},
          {"fastcgi.undecidedBytes", "bytes"},
          {"fastcgi.writeStall", "ms"},
          {"fastcgi.streamBuffer", "bytes"},
          byDefault("listen.NAME.allowPublic", "false"),
          byDefault("listen.NAME.unixMode", "0660")}},
        {"other servers",
         {{"cluster.publishMessages"},
          {"cluster.publishBytes", "bytes"},
          {"cluster.publishAge", "ms"},
          {"cluster.receiveMessages"},
          {"cluster.receiveBytes", "bytes"},
          {"cluster.messageBytes", "bytes"},
          {"cluster.pendingCallbacks"},
          {"cluster.redisConnectTimeout", "ms"},
          {"cluster.redisCommandTimeout", "ms"},
          {"cluster.redisPingInterval", "ms"},
          fixed("cluster.backoff", "50 to 1000", "ms"),
          {"cluster.amqpHeartbeat", "ms"},
          {"cluster.amqpTimeout", "ms"},
          {"cluster.amqpPrefetch"},
          fixed("cluster.amqpFrame", "131072", "bytes")}},
        {"the end",
         {{"server.drainDelay", "ms"},
          {"server.stopTimeout", "ms"},
          {"engine.drainSessions"},
          {"engine.drainInterval", "ms"}}},
        {"logs", {{"log.lineBytes", "bytes"}, {"log.linesPerSecond", "/s"}}},
    };
}

}  // namespace

std::string limitsText(const Settings& settings) {
    std::string text;
    for (const Area& area : areas()) {
        text.append(text.empty() ? "# " : "\n# ").append(area.name).append("\n");
        for (const Line& line : area.lines) {
            const SettingKey* const key = SettingsKeys::find(line.name);
            poco_assert(key || line.value);
            std::string value = line.value ? line.value(settings) : key->get(settings);
            const bool off = line.zero && value == "0";
            if (off) value = line.zero;
            if (value.empty()) value = "none";
            text.append(line.name).append(" = ").append(value);
            if (*line.unit && !off) text.append(" ").append(line.unit);
            text += '\n';
        }
    }
    return text;
}

}  // namespace socketio::app
