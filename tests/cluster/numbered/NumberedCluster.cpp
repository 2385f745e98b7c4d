#include "NumberedCluster.h"

#include <exception>
#include <stdexcept>
#include <thread>

#include "socketio/base/Clock.h"

#include "support/Waiting.h"

namespace socketio::test {

NumberedCluster::NumberedCluster(const MakeManager& make, std::size_t clientsPerServer)
    : _clientsPerServer(clientsPerServer), _messages("run"), _clients(_messages) {
    for (std::size_t server = 0; server < kServers; ++server) {
        Node& node = _nodes[server];
        node.manager = make();
        ServerOptions options;
        options.clientManager = node.manager;
        node.server = std::make_unique<TestServer>(std::move(options));
        node.server->start();
        for (std::size_t i = 0; i < clientsPerServer; ++i) {
            const Receiver receiver = _messages.addReceiver("client " + std::to_string(i) +
                                                            " of server " + std::to_string(server));
            node.clients.push_back(&_clients.connect(node.server->port(), receiver));
            _sids.push_back(node.clients.back()->sid);
        }
    }
    if (!findOneAnother()) throw std::runtime_error("the servers do not hear one another");
    for (std::size_t server = 0; server < kServers; ++server)
        _before[server] = _nodes[server].manager->counters();
}

NumberedCluster::~NumberedCluster() {
    for (Node& each : _nodes)
        if (each.server) each.server->stop();
}

bool NumberedCluster::findOneAnother(std::string_view servers,
                                     const std::function<void()>& others) {
    // What is emitted before a server has subscribed does not reach it: again, until it has.
    return eventually(
        [&] {
            for (std::size_t server = 0; server < kServers; ++server)
                _nodes[server].sio().emit("hello", std::to_string(server));
            others();
            return eventually([&] { return _clients.greeted(servers); },
                              std::chrono::milliseconds(50));
        },
        std::chrono::seconds(60));
}

std::vector<NumberedCluster::Receiver> NumberedCluster::receivers(std::size_t server) const {
    std::vector<Receiver> receivers;
    for (std::size_t i = 0; i < _clientsPerServer; ++i)
        receivers.push_back(server * _clientsPerServer + i);
    return receivers;
}

std::vector<NumberedCluster::Receiver> NumberedCluster::receivers() const {
    std::vector<Receiver> receivers;
    for (Receiver each = 0; each < _sids.size(); ++each) receivers.push_back(each);
    return receivers;
}

PubSubManager::Counters NumberedCluster::counted(std::size_t server) const {
    const PubSubManager::Counters& before = _before[server];
    PubSubManager::Counters now = _nodes[server].manager->counters();
    now.published -= before.published;
    now.publishDropped -= before.publishDropped;
    now.received -= before.received;
    now.receiveDropped -= before.receiveDropped;
    now.ignored -= before.ignored;
    now.missed -= before.missed;
    now.reconnects -= before.reconnects;
    return now;
}

void NumberedCluster::onEveryServer(const std::function<void(std::size_t)>& send) {
    std::exception_ptr failures[kServers];
    {
        std::vector<std::jthread> threads;
        for (std::size_t server = 0; server < kServers; ++server)
            threads.emplace_back([&, server] {
                try {
                    send(server);
                } catch (...) {
                    failures[server] = std::current_exception();
                }
            });
    }
    for (const std::exception_ptr& each : failures)
        if (each) std::rethrow_exception(each);
}

bool NumberedCluster::fence() {
    const NumberedMessages::Mark before = _messages.mark();
    for (std::size_t server = 0; server < kServers; ++server) {
        const auto stream =
            _messages.addStream("fence of server " + std::to_string(server), receivers());
        _nodes[server].emit(_messages.attempt(stream));
    }
    const std::size_t first = before.size();
    return _messages.waitUntilSettled(
        [first](NumberedMessages::Stream stream, Receiver) { return stream >= first; },
        Clock::system().now() + std::chrono::seconds(30));
}

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
    return text;
}

}  // namespace socketio::test
