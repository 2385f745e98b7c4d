#include "KombuEnvelope.h"

#include <utility>

#include <Poco/UUIDGenerator.h>

#include "socketio/protocol/EnginePacket.h"
#include "socketio/protocol/JsonCodec.h"

namespace socketio {

std::string KombuEnvelope::wrap(std::string_view payload, std::string_view exchange) {
    const bool pickle = payload.starts_with('\x80');
    std::string out = R"({"body": ")";
    out.reserve(payload.size() * 4 / 3 + 400);
    appendBase64(out, payload);
    out += pickle ? R"(", "content-encoding": "binary", "content-type": "application/data")"
                  : R"(", "content-encoding": "utf-8", "content-type": "text/plain")";
    out += R"(, "headers": {}, "properties": {"delivery_mode": 2, "delivery_info": {"exchange": )";
    appendJsonString(out, exchange, JsonStyle::Python);
    out += R"(, "routing_key": ""}, "priority": 0, "body_encoding": "base64", "delivery_tag": ")";
    out += Poco::UUIDGenerator::defaultGenerator().createRandom().toString();
    return out += "\"}}";
}

std::optional<std::string> KombuEnvelope::unwrap(std::string_view envelope) {
    const auto value = JsonCodec::decode(envelope);
    if (!value.ok() || !(*value)["body"].isString()) return std::nullopt;
    const std::string& body = (*value)["body"].asString();
    const Value& encoding = (*value)["properties"]["body_encoding"];
    if (encoding.isNull()) return body;
    if (!(encoding == "base64")) return std::nullopt;
    auto bytes = decodeBase64(body);
    if (!bytes.ok()) return std::nullopt;
    return std::move(*bytes);
}

}  // namespace socketio
