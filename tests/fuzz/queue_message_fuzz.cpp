// Messages of the queue, in every dialect. An input is one message. What was read as ours is
// written and read again.
#include <string>

#include "socketio/protocol/JsonCodec.h"
#include "socketio/protocol/SocketPacket.h"

#include "Pieces.h"
#include "QueueMessage.h"
#include "Values.h"

namespace {

using socketio::QueueDialect;
using socketio::QueueMessage;
using socketio::Value;
using socketio::fuzz::attachmentsIn;
using socketio::fuzz::require;
using Method = QueueMessage::Method;

bool looksLikePlaceholder(const Value& value) {
    if (value["_placeholder"].asBool()) return true;
    for (const Value& item : value.asArray())
        if (looksLikePlaceholder(item)) return true;
    for (const auto& member : value.asObject())
        if (looksLikePlaceholder(member.second)) return true;
    return false;
}

void check(const QueueMessage& message) {
    require(attachmentsIn(message.data).count <= socketio::kMaxAttachments, "10 attachments");
    switch (message.method) {
        case Method::Emit:
            require(message.data.isArray() && !message.data.empty(), "an event");
            require(message.data.asArray()[0].isString() &&
                        !socketio::isReservedEvent(message.data.asArray()[0].asString()),
                    "the name of an event");
            return;
        case Method::Callback:
            require(message.data.isArray() && message.id.has_value(), "an answer");
            return;
        case Method::Disconnect:
            return;
        default:
            require(message.rooms.size() == 1, "one room");
    }
}

void checkRoundTrip(const QueueMessage& message, QueueDialect dialect) {
    // Beside binary in JSON what looks like a placeholder is one.
    if (dialect != QueueDialect::Pickle && attachmentsIn(message.data).count > 0 &&
        looksLikePlaceholder(message.data))
        return;
    auto text = message.encode(dialect, message.data);
    if (!text.ok()) return;  // nested deeper than we write
    QueueMessage::finish(*text, dialect, message.method, 7, "host");
    require(QueueMessage::isFrom(*text, "host"), "our own");
    const auto again = QueueMessage::decode(*text, QueueDialect::Json);
    require(again.ok(), "what was written can be read");
    require(again->method == message.method && again->data == message.data &&
                again->rooms == message.rooms && again->skipSids == message.skipSids &&
                again->sid == message.sid && again->id == message.id && again->sequence == 7u &&
                again->sender == "host",
            "the same message again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const socketio::fuzz::Exact bytes(socketio::fuzz::view(data, size));
    QueueMessage::isFrom(bytes, "host");
    for (const QueueDialect json : {QueueDialect::Json, QueueDialect::LegacyJson}) {
        const auto message = QueueMessage::decode(bytes, json);
        if (!message.ok()) continue;
        check(*message);
        checkRoundTrip(*message, QueueDialect::Json);
        checkRoundTrip(*message, QueueDialect::Pickle);
    }
    return 0;
}
