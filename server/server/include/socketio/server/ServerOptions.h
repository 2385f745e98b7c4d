#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "socketio/engine/EngineOptions.h"
#include "socketio/managers/ClientManager.h"
#include "socketio/protocol/JsonCodec.h"
#include "socketio/protocol/SocketPacketDecoder.h"

namespace socketio {

/// The settings of a Server, those of its engine included. Names that python-socketio's
/// documentation has are kept, in camelCase.
///
/// Threads: a plain value; the Server copies it.
struct ServerOptions : EngineOptions {
    std::shared_ptr<ClientManager> clientManager;  ///< null: a MemoryManager.
    Poco::Logger* logger = nullptr;                ///< nullptr: the logger "socketio.server".
    std::shared_ptr<const JsonInterface> json;     ///< null: JsonCodec.

    /// False: the events of one client run one at a time, in the order of arrival. True: each
    /// event runs on its own, several of one client at once.
    bool asyncHandlers = false;
    std::string asyncMode = "threading";  ///< There is no other.

    /// Namespaces that may be joined though nothing is registered for them; "*": all.
    std::vector<std::string> namespaces{"/"};

    Milliseconds connectTimeout{45'000};  ///< For the first namespace of a client.
    std::size_t maxNamespacesPerClient = 64;
    SocketPacketLimits packetLimits{};

    std::size_t maxPendingAcks = 1024;  ///< Per socket; more is an error at emit.
    Milliseconds ackTimeout{60'000};    ///< Then a callback is forgotten.

    /// What may wait for the handlers of one client, the one that runs included, before it is read
    /// no further: tasks, and bytes of their data in memory with 128 more for each. The packet that
    /// goes beyond is still taken. It is read again when half of both are done; its heartbeat
    /// deadline is suspended meanwhile. While a handler of it waits in call() other limits hold,
    /// see there.
    std::size_t inboundTasks = 256;
    std::size_t inboundBytes = 1'000'000;

    /// The same in all: when more waits, a client of which more than 16 tasks or 32 KiB wait is not
    /// read, until half of those are done. Clients of which less than 32 tasks and 64 KiB wait are
    /// not counted.
    std::size_t totalInboundTasks = 10'000;
    std::size_t totalInboundBytes = 268'435'456;

    /// Of the server's log: longer lines are cut, and what is more in a second of one kind is left
    /// out and counted. Of what clients alone decide about, a tenth.
    std::size_t logLineBytes = 1000;
    std::size_t logLinesPerSecond = 100;

    /// What the python documentation of 2018 gives: ping timeout 60 s, messages of 100,000,000
    /// bytes, the cookie `io`, and every origin allowed, with credentials.
    static ServerOptions classic();
};

}  // namespace socketio
