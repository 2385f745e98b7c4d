#include "socketio/base/Limits.h"

#include <Poco/Message.h>

namespace socketio {

namespace {

using Priority = Poco::Message::Priority;

struct Description {
    Limit limit;
    std::string_view name;
    Priority priority = Priority::PRIO_WARNING;
};

constexpr Priority kEveryday = Priority::PRIO_DEBUG;

constexpr std::array<Description, kLimitCount> kDescriptions{{
    {Limit::RequestLine, "requestLine"},
    {Limit::HeaderBytes, "headerBytes"},
    {Limit::HeadersBytes, "headersBytes"},
    {Limit::Headers, "headers"},
    {Limit::HeadTime, "headTime"},
    {Limit::BodyTime, "bodyTime"},
    {Limit::MinBodyRate, "minBodyRate"},
    {Limit::ChunkLine, "chunkLine"},
    {Limit::ChunkOverhead, "chunkOverhead"},
    {Limit::TrailerBytes, "trailerBytes"},
    {Limit::Params, "params"},
    {Limit::ParamsBytes, "paramsBytes"},
    {Limit::ConcurrentRequests, "concurrentRequests"},
    {Limit::HandshakeTime, "handshakeTime"},
    {Limit::KeepAliveTime, "keepAliveTime", kEveryday},
    {Limit::KeepAliveRequests, "keepAliveRequests", kEveryday},
    {Limit::PipelinedBytes, "pipelinedBytes", kEveryday},
    {Limit::OutboundBytes, "outboundBytes"},
    {Limit::WriteStall, "writeStall"},
    {Limit::ConnectionsPerAddress, "connectionsPerAddress"},
    {Limit::WebSocketFragments, "webSocketFragments"},
    {Limit::WebSocketControlFrames, "webSocketControlFrames"},
    {Limit::WebSocketCloseWait, "webSocketCloseWait", kEveryday},
    {Limit::MaxConnections, "maxConnections"},
    {Limit::MaxOutbound, "maxOutbound"},
    {Limit::MaxQueuedWork, "maxQueuedWork"},
    {Limit::HandshakesPerSecond, "handshakesPerSecond"},
    {Limit::Transports, "transports", kEveryday},
    {Limit::MaxQueryParameters, "maxQueryParameters"},
    {Limit::CorsAllowedOrigins, "corsAllowedOrigins"},
    {Limit::ContentEncoding, "contentEncoding"},
    {Limit::MaxHttpBufferSize, "maxHttpBufferSize"},
    {Limit::MaxPacketsPerPayload, "maxPacketsPerPayload"},
    {Limit::OverlappingRequests, "overlappingRequests"},
    {Limit::PingTimeout, "pingTimeout", kEveryday},
    {Limit::UpgradeTimeout, "upgradeTimeout", kEveryday},
    {Limit::StopTimeout, "stopTimeout"},
    {Limit::ConnectTimeout, "connectTimeout", kEveryday},
    {Limit::MaxNamespacesPerClient, "maxNamespacesPerClient"},
    {Limit::MaxNamespaceBytes, "maxNamespaceBytes"},
    {Limit::MaxEventBytes, "maxEventBytes"},
    {Limit::MaxAttachments, "maxAttachments"},
    {Limit::MaxAttachmentBytes, "maxAttachmentBytes"},
    {Limit::AttachmentTime, "attachmentTime"},
    {Limit::MaxAckId, "maxAckId"},
    {Limit::MaxJsonDepth, "maxJsonDepth"},
    {Limit::MaxPendingAcks, "maxPendingAcks"},
    {Limit::AckTimeout, "ackTimeout", kEveryday},
    {Limit::InboundTasks, "inboundTasks", kEveryday},
    {Limit::TotalInboundTasks, "totalInboundTasks"},
}};

constexpr bool eachIsAtItsPlace() {
    for (std::size_t i = 0; i < kLimitCount; ++i)
        if (kDescriptions[i].limit != static_cast<Limit>(i) || kDescriptions[i].name.empty())
            return false;
    return true;
}
static_assert(eachIsAtItsPlace());

const Description& describe(Limit limit) { return kDescriptions[static_cast<std::size_t>(limit)]; }

}  // namespace

std::string_view toString(Limit limit) { return describe(limit).name; }

std::optional<std::uint64_t> LimitCounters::pass(Limit limit, const Log& log, TimePoint now) {
    Entry& entry = _entries[static_cast<std::size_t>(limit)];
    entry.count.fetch_add(1, std::memory_order_relaxed);
    if (describe(limit).priority == kEveryday && !log.debug()) return std::nullopt;
    return entry.throttle.pass(now);
}

void LimitCounters::write(Limit limit, const Log& log, std::string_view what,
                          std::uint64_t leftOut) {
    std::string line(what);
    line.append(" [limit ").append(toString(limit)).append("]");
    log.write(describe(limit).priority, line + LogThrottle::more(leftOut));
}

}  // namespace socketio
