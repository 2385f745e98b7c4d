#include "socketio/managers/ClientManager.h"

#include "socketio/protocol/SocketPacket.h"

namespace socketio {

void ClientManager::emit(std::string_view event, const Arguments& arguments,
                         const EmitOptions& options) {
    EmitTarget target;
    target.rooms = options.room.list();
    target.skipSids = options.skipSid.list();
    target.ignoreQueue = options.ignoreQueue;
    emitTo(namespaceName(options.nsp), arguments.event(event), target, options.callback.function());
}

}  // namespace socketio
