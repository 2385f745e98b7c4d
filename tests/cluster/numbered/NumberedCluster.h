#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "socketio/managers/PubSubManager.h"

#include "support/NumberedClients.h"
#include "support/NumberedMessages.h"
#include "support/TestServer.h"

namespace socketio::test {

/// Three servers in the process of the test, joined by a broker, each with the same number of
/// clients, and the checker of what these hear.
///
/// Threads: one at a time; emit() and the parts may be used by several.
/// Errors:  std::runtime_error when the servers do not find one another.
class NumberedCluster {
public:
    static constexpr std::size_t kServers = 3;
    using Receiver = NumberedMessages::Receiver;
    using MakeManager = std::function<std::shared_ptr<PubSubManager>()>;

    struct Node {
        std::shared_ptr<PubSubManager> manager;
        std::unique_ptr<TestServer> server;
        std::vector<NumberedClients::Client*> clients;

        Server& sio() { return server->sio; }
        void emit(const std::string& text, EmitOptions options = {}) {
            server->sio.emit("n", text, std::move(options));
        }
    };

    NumberedCluster(const MakeManager& make, std::size_t clientsPerServer);
    ~NumberedCluster();

    NumberedMessages& messages() { return _messages; }
    NumberedClients& clients() { return _clients; }
    Node& node(std::size_t server) { return _nodes[server]; }
    /// The receivers of the clients of a server, or of all.
    std::vector<Receiver> receivers(std::size_t server) const;
    std::vector<Receiver> receivers() const;
    const std::string& sidOf(Receiver receiver) const { return _sids[receiver]; }
    std::size_t serverOf(Receiver receiver) const { return receiver / _clientsPerServer; }

    /// What the managers have counted since the servers found one another.
    PubSubManager::Counters counted(std::size_t server) const;

    /// Runs `send(server)` for each server, on a thread of its own; throws what one of them has.
    static void onEveryServer(const std::function<void(std::size_t)>& send);

    /// Until every client has heard each of `servers`, digits, say hello: those of this cluster,
    /// and others for which `others` says it. False when they do not find one another.
    bool findOneAnother(
        std::string_view servers = "012", const std::function<void()>& others = [] {});

    /// A last message of everybody to everybody: what was sent before has come when it has.
    /// False when it does not come in time.
    bool fence();

private:
    const std::size_t _clientsPerServer;
    NumberedMessages _messages;
    NumberedClients _clients;
    std::vector<std::string> _sids;
    Node _nodes[kServers];
    PubSubManager::Counters _before[kServers];
};

/// "12,345"
std::string grouped(std::uint64_t number);

}  // namespace socketio::test
