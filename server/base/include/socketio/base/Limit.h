#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace socketio {

/// A limit that peers can reach. The options have them by the same names, in HttpLimits,
/// FcgiLimits, HubOptions, EngineOptions and ServerOptions, where it is said what happens;
/// `poco-socketio --limits` lists all with their values. What a queue between servers drops,
/// PubSubManager::Counters tells.
enum class Limit : std::uint8_t {
    // A request, over HTTP or FastCGI
    RequestLine,
    HeaderBytes,
    HeadersBytes,
    Headers,
    HeadTime,
    BodyTime,
    MinBodyRate,
    ChunkLine,
    ChunkOverhead,
    TrailerBytes,
    Params,
    ParamsBytes,
    ConcurrentRequests,
    // A connection
    HandshakeTime,
    KeepAliveTime,
    KeepAliveRequests,
    PipelinedBytes,
    OutboundBytes,  ///< Of an Engine.IO session, too.
    WriteStall,
    ConnectionsPerAddress,
    WebSocketFragments,
    WebSocketControlFrames,
    WebSocketCloseWait,
    // The hub
    MaxConnections,
    MaxOutbound,
    MaxQueuedWork,
    // Engine.IO
    HandshakesPerSecond,
    Transports,
    MaxQueryParameters,
    CorsAllowedOrigins,
    ContentEncoding,  ///< A POST that is compressed.
    MaxHttpBufferSize,
    MaxPacketsPerPayload,
    OverlappingRequests,  ///< A second poll, or a second POST, beside the first.
    PingTimeout,
    UpgradeTimeout,
    StopTimeout,
    // Socket.IO
    ConnectTimeout,
    MaxNamespacesPerClient,
    MaxNamespaceBytes,
    MaxEventBytes,
    MaxAttachments,
    MaxAttachmentBytes,
    AttachmentTime,
    MaxAckId,
    MaxJsonDepth,
    MaxPendingAcks,
    AckTimeout,
    InboundTasks,       ///< Or inboundBytes.
    TotalInboundTasks,  ///< Or totalInboundBytes.
};
inline constexpr std::size_t kLimitCount = static_cast<std::size_t>(Limit::TotalInboundTasks) + 1;

/// "requestLine", as the option is called.
std::string_view toString(Limit limit);

}  // namespace socketio
