#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Result.h"
#include "socketio/managers/PubSubManager.h"
#include "socketio/protocol/Value.h"

namespace socketio {

/// What servers tell one another over the queue, as python-socketio does.
/// See: managers/README.md, "What is on the wire".
///
/// Threads: a plain value.
struct QueueMessage {
    enum class Method : std::uint8_t {
        Emit,
        Callback,
        Disconnect,
        EnterRoom,
        LeaveRoom,
        CloseRoom
    };

    Method method = Method::Emit;
    std::string nsp;
    Value data;  ///< Emit: the event's name and the arguments. Callback: the arguments.

    std::vector<std::string> rooms;     ///< Emit: empty for all. Others: the one.
    std::vector<std::string> skipSids;  ///< Emit.
    std::string sid;  ///< Disconnect, EnterRoom, LeaveRoom. Callback: the room of the emit.
    /// Callback: the emit that is answered. Emit: under what an answer is asked for. The answer
    /// names the room, too, which is the only one of the emit.
    std::optional<std::int64_t> id;
    std::string callbackNsp;      ///< Emit, with id: what the answer names as its namespace.
    std::string callbackRoom;     ///< The same of its room.
    bool binaryCallback = false;  ///< Emit: the answer may be binary. Callback: it is.

    std::string sender;     ///< Its host id; "" when it does not say.
    std::string addressee;  ///< Callback: the host id of the emitter.
    std::optional<std::uint64_t> sequence;

    /// The message but for its end; see finish(). `values` stands for `data`, which may be large.
    /// Errors: data without a form, more than 10 attachments.
    Result<std::string> encode(QueueDialect dialect, const Value& values) const;
    /// Appends the end, which every message of one sender has in common but for the number.
    static void finish(std::string& text, QueueDialect dialect, Method method,
                       std::uint64_t sequence, std::string_view sender);

    /// Reads a message of any dialect. JSON of python-socketio 5.14.2 to 5.15.0 cannot be told from
    /// that of later ones: it is read as `json`, the dialect that is written here, has it.
    static Result<QueueMessage> decode(std::string_view bytes,
                                       QueueDialect json = QueueDialect::Json,
                                       bool readPickle = true);

    /// True for the text of a message that `sender` has finished. Nothing else is read.
    static bool isFrom(std::string_view text, std::string_view sender);
};

}  // namespace socketio
