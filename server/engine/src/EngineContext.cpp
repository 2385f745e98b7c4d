#include "EngineContext.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include <Poco/Exception.h>
#include <Poco/Logger.h>

#include "socketio/base/AddressKey.h"
#include "socketio/base/Text.h"
#include "socketio/protocol/EnginePayload.h"

#include "Compression.h"

namespace socketio {

namespace {

// Packing more than this takes milliseconds, which a loop must not spend.
constexpr std::size_t kPackOnWorkerBytes = 32 * 1024;

std::string_view errorBody(EngineError error) {
    switch (error) {
        case EngineError::TransportUnknown:
            return R"({"code":0,"message":"Transport unknown"})";
        case EngineError::SessionUnknown:
            return R"({"code":1,"message":"Session ID unknown"})";
        case EngineError::BadHandshakeMethod:
            return R"({"code":2,"message":"Bad handshake method"})";
        case EngineError::BadRequest:
            return R"({"code":3,"message":"Bad request"})";
        case EngineError::Forbidden:
            return R"({"code":4,"message":"Forbidden"})";
        case EngineError::UnsupportedVersion:
            return R"({"code":5,"message":"Unsupported protocol version"})";
    }
    return "{}";
}

void require(bool condition, const char* name, const std::string& value) {
    if (!condition)
        throw Poco::InvalidArgumentException(std::string("Engine.IO option ") + name, value);
}

bool isCookieAttribute(std::string_view value) {
    return std::all_of(value.begin(), value.end(),
                       [](unsigned char c) { return c >= 0x20 && c < 0x7f && c != ';'; });
}

const EngineOptions& checked(const EngineOptions& options) {
    using Milliseconds = EngineOptions::Milliseconds;
    const auto positive = [](const char* name, Milliseconds value) {
        require(value > Milliseconds::zero(), name, std::to_string(value.count()));
    };
    positive("pingInterval", options.pingInterval);
    positive("pingTimeout", options.pingTimeout);
    positive("upgradeTimeout", options.upgradeTimeout);
    require(options.maxHttpBufferSize > 0, "maxHttpBufferSize", "0");
    require(options.maxPacketsPerPayload > 0, "maxPacketsPerPayload", "0");
    require(options.maxPacketsPerPoll > 0, "maxPacketsPerPoll", "0");
    require(options.maxQueryParameters > 0, "maxQueryParameters", "0");
    require(options.drainSessions > 0, "drainSessions", "0");
    positive("drainInterval", options.drainInterval);
    require(!options.transports.empty(), "transports", "none");
    for (const std::string& name : options.transports)
        require(name == "polling" || name == "websocket", "transports", name);
    if (options.cookie) {
        const EngineCookie& cookie = *options.cookie;
        require(isToken(cookie.name), "cookie.name", cookie.name);
        require(isCookieAttribute(cookie.path), "cookie.path", cookie.path);
        require(isCookieAttribute(cookie.domain), "cookie.domain", cookie.domain);
        require(cookie.sameSite.empty() || cookie.sameSite == "Lax" ||
                    cookie.sameSite == "Strict" || cookie.sameSite == "None",
                "cookie.sameSite", cookie.sameSite);
    }
    return options;
}

bool isInternetExplorer(const Environ& environ) {
    const std::string_view agent = environ.get("HTTP_USER_AGENT");
    return agent.find(";MSIE") != agent.npos || agent.find("Trident/") != agent.npos;
}

void addCommonHeaders(HeaderList& headers, const Environ& environ) {
    headers.add("Cache-Control", "no-store");
    headers.add("X-Content-Type-Options", "nosniff");
    if (isInternetExplorer(environ)) headers.add("X-XSS-Protection", "0");
}

void pack(ContentCoding coding, Response& response) {
    std::string packed;
    if (!compress(coding, response.body, packed)) return;
    response.body = std::move(packed);
    response.headers.add("Content-Encoding", toString(coding));
}

}  // namespace

EngineContext::EngineContext(const EngineOptions& settings)
    : options(checked(settings)),
      outboundLimit(settings.outboundLimit()),
      logger(settings.engineioLogger ? *settings.engineioLogger
                                     : Poco::Logger::get("socketio.engine")),
      origins(settings.corsAllowedOrigins, settings.corsCredentials, logger) {}

bool EngineContext::serves(std::string_view transport) const {
    return std::find(options.transports.begin(), options.transports.end(), transport) !=
           options.transports.end();
}

void EngineContext::answer(const Exchange::Ptr& exchange, Response response) const {
    addCommonHeaders(response.headers, exchange->environ());
    if (!response.headers.has("Vary")) origins.addHeaders(response.headers, exchange->environ());
    exchange->respond(std::move(response));
}

void EngineContext::refuse(const Exchange::Ptr& exchange, EngineError error, int status) const {
    answer(exchange, Response::json(status, errorBody(error)));
}

void EngineContext::refuseOrigin(const Exchange::Ptr& exchange) {
    warn(EngineFault::ForeignOrigin, Limit::CorsAllowedOrigins, exchange->executor(),
         "request refused: its Origin is not allowed");
    Response response = Response::json(403, errorBody(EngineError::Forbidden));
    addCommonHeaders(response.headers, exchange->environ());
    response.headers.add("Vary", "Origin");
    exchange->respond(std::move(response));
}

void EngineContext::answerPoll(const Exchange::Ptr& exchange, std::string body, bool octetStream,
                               std::string_view jsonp, std::string_view setCookie) const {
    Response response;
    // nosniff: a browser runs the answer as a script only when it is called one.
    std::string_view type = "text/plain; charset=UTF-8";
    if (octetStream) type = "application/octet-stream";
    if (!jsonp.empty()) {
        type = "application/javascript; charset=UTF-8";
        body = EnginePayload::encodeJsonp(jsonp, body);
    }
    response.headers.add("Content-Type", type);
    if (!setCookie.empty()) response.headers.add("Set-Cookie", setCookie);
    response.body = std::move(body);
    if (!options.httpCompression || response.body.size() < options.compressionThreshold) {
        answer(exchange, std::move(response));
        return;
    }

    addCommonHeaders(response.headers, exchange->environ());
    origins.addHeaders(response.headers, exchange->environ());
    response.headers.set("Vary", "Origin, Accept-Encoding");
    const ContentCoding coding = negotiateCoding(exchange->environ().get("HTTP_ACCEPT_ENCODING"));
    if (coding == ContentCoding::Identity) {
        exchange->respond(std::move(response));
        return;
    }
    if (response.body.size() >= kPackOnWorkerBytes) {
        // Shared, since a task that is refused is destroyed with what it holds.
        const auto shared = std::make_shared<Response>(std::move(response));
        if (!exchange->executor().runOnFreeWorker([exchange, shared, coding] {
                pack(coding, *shared);
                exchange->respond(std::move(*shared));
            }))
            exchange->respond(
                std::move(*shared));  // unpacked: the client must not wait for handlers
        return;
    }
    pack(coding, response);
    exchange->respond(std::move(response));
}

std::string EngineContext::cookie(std::string_view sid, bool secure) const {
    const EngineCookie& cookie = *options.cookie;
    std::string value = cookie.name;
    value.append("=").append(sid);
    if (!cookie.path.empty()) value.append("; Path=").append(cookie.path);
    if (!cookie.domain.empty()) value.append("; Domain=").append(cookie.domain);
    if (cookie.maxAge) value.append("; Max-Age=").append(std::to_string(cookie.maxAge->count()));
    if (cookie.httpOnly) value.append("; HttpOnly");
    if (cookie.secure || secure) value.append("; Secure");
    if (!cookie.sameSite.empty()) value.append("; SameSite=").append(cookie.sameSite);
    return value;
}

std::atomic<std::uint64_t>& EngineContext::counter(EngineFault fault) {
    switch (fault) {
        case EngineFault::ForeignOrigin:
            return counters.foreignOrigins;
        case EngineFault::BodyTooLarge:
            return counters.largeBodies;
        case EngineFault::BadPayload:
            return counters.badPayloads;
        case EngineFault::BadPacket:
            return counters.badPackets;
        case EngineFault::Internal:
            return counters.internalErrors;
        case EngineFault::Outbound:
            break;
    }
    return counters.outboundLimit;
}

void EngineContext::warn(EngineFault fault, std::optional<Limit> limit, Executor& executor,
                         const std::string& text) {
    counter(fault).fetch_add(1, std::memory_order_relaxed);
    const TimePoint now = executor.clock().now();
    if (limit)
        executor.limits().reached(*limit, logger, now, text);
    else if (const auto leftOut = _throttles[static_cast<std::size_t>(fault)].pass(now))
        logger.warning(text + LogThrottle::more(*leftOut));
}

void EngineContext::reached(Limit limit, const Exchange::Ptr& exchange, const char* what) const {
    Executor& executor = exchange->executor();
    executor.limits().reached(limit, logger, executor.clock().now(), [&] {
        return escapedForLog(exchange->environ().remoteAddress(), 64) + ": " + what;
    });
}

bool EngineContext::admits(const Exchange::Ptr& exchange) {
    if (options.handshakesPerSecond == 0) return true;
    const auto key = addressKey(exchange->environ().remoteAddress());
    if (!key ||
        _handshakes.take(*key, options.handshakesPerSecond, exchange->executor().clock().now()))
        return true;
    reached(Limit::HandshakesPerSecond, exchange, "too many new sessions in a second");
    Response response = Response::json(429, R"({"code":3,"message":"Too many requests"})");
    response.headers.add("Retry-After", "1");
    answer(exchange, std::move(response));
    return false;
}

}  // namespace socketio
