#include "FaultTraffic.h"

#include <algorithm>
#include <exception>
#include <stdexcept>

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

constexpr auto kTime = 30s;  // for what has been sent to come

}  // namespace

FaultTraffic::FaultTraffic(FaultServer& server, const Options& options)
    : _server(server), _options(options) {
    const std::uint16_t port = options.port ? options.port : server.port();
    std::vector<Receiver> receivers;
    for (std::size_t i = 0; i < options.webSockets; ++i) {
        receivers.push_back(_messages.addReceiver("WebSocket " + std::to_string(i)));
        _webSockets.push_back(&_clients.connect(port, receivers.back()));
    }
    for (std::size_t i = 0; i < options.pollers; ++i) {
        receivers.push_back(_messages.addReceiver("poller " + std::to_string(i)));
        NumberedSession::Way way;
        way.connection.deadline = 60s;
        _pollers.push_back(
            std::make_unique<NumberedSession>(port, way, _messages, receivers.back()));
    }
    const Receiver serverSide = _messages.addReceiver("the server");
    for (const Receiver each : receivers) _server.command("join " + sidOf(each) + " healthy");
    _down.push_back(_messages.addStream("to all", receivers));
    for (const Receiver each : receivers) {
        _down.push_back(_messages.addStream("to client " + std::to_string(each), {each}));
        _up.push_back(_messages.addStream("from client " + std::to_string(each), {serverSide}));
    }
    _server.reportTo(_messages, serverSide);
    _senders.emplace_back([this] { sendDown(); });
    _senders.emplace_back([this] { sendUp(); });
    for (std::size_t i = 0; i < _pollers.size(); ++i) _readers.emplace_back([this, i] { poll(i); });
}

FaultTraffic::~FaultTraffic() {
    _stopping = _leaving = true;
    if (!_readers.empty() && _server.runs()) {
        try {
            _server.command("tell healthy bye");
        } catch (const std::exception&) {
        }
    }
    join();
    _server.reportTo(nullptr);
}

const std::string& FaultTraffic::sidOf(std::size_t client) const {
    return client < _webSockets.size() ? _webSockets[client]->sid
                                       : _pollers[client - _webSockets.size()]->sid();
}

void FaultTraffic::report(const std::string& problem) {
    MutexLock lock(_mutex);
    if (_problem.empty()) _problem = problem;
}

void FaultTraffic::sendDown() {
    try {
        auto next = std::chrono::steady_clock::now();
        for (std::size_t i = 0; !_stopping; ++i) {
            const std::size_t which = i % 2 == 0 ? 0 : 1 + i / 2 % _up.size();
            // Who is behind is waited for: his queue has a limit.
            if (_messages.waitForRoom(_down[which], _options.window, Clock::system().now() + 50ms))
                _server.emit(which == 0 ? "healthy" : sidOf(which - 1),
                             _messages.attempt(_down[which]));
            next = std::max(next + _options.interval, std::chrono::steady_clock::now());
            std::this_thread::sleep_until(next);  // its pace
        }
    } catch (const std::exception& e) {
        report(std::string("sending down: ") + e.what());
    }
}

void FaultTraffic::sendUp() {
    auto next = std::chrono::steady_clock::now();
    for (std::size_t i = 0; !_stopping; ++i) {
        const std::size_t client = i % _up.size();
        try {
            if (_messages.waitForRoom(_up[client], _options.window, Clock::system().now() + 50ms)) {
                const std::string text = _messages.attempt(_up[client]);
                if (client < _webSockets.size())
                    _clients.send(*_webSockets[client], text);
                else
                    _pollers[client - _webSockets.size()]->send({text});
            }
        } catch (const std::exception& e) {
            if (!_leaving) report(std::string("sending up: ") + e.what());
        }
        next = std::max(next + _options.interval, std::chrono::steady_clock::now());
        std::this_thread::sleep_until(next);  // its pace
    }
}

void FaultTraffic::poll(std::size_t poller) {
    try {
        while (_pollers[poller]->receive()) {
        }
        if (!_pollers[poller]->heardBye()) throw std::runtime_error("the session ended");
    } catch (const std::exception& e) {
        ++_pollersGone;
        if (!_leaving) report("poller " + std::to_string(poller) + ": " + e.what());
    }
}

bool FaultTraffic::goesOn(Which which, std::chrono::milliseconds within) {
    return _messages.waitUntilHeard(
        _messages.mark(),
        [&](Stream stream, Receiver) {
            return which == Which::BothWays ||
                   std::find(_down.begin(), _down.end(), stream) != _down.end();
        },
        Clock::system().now() + within);
}

std::size_t FaultTraffic::open() const { return _clients.open() + _pollers.size() - _pollersGone; }

void FaultTraffic::join() {
    for (auto* const threads : {&_senders, &_readers}) {
        for (std::thread& each : *threads) each.join();
        threads->clear();
    }
}

std::string FaultTraffic::finish(bool mayLeave) {
    _leaving = mayLeave;
    _stopping = true;
    for (std::thread& each : _senders) each.join();
    _senders.clear();
    std::string problem;
    if (mayLeave) {
        for (std::size_t client = 0; client < _up.size(); ++client) {
            if (_server.reasonOf(sidOf(client)).empty()) continue;
            _messages.left(client);
            _messages.ended(_down[1 + client]);
            _messages.ended(_up[client]);
        }
        _messages.waitUntilSettled([](Stream, Receiver) { return true; },
                                   Clock::system().now() + kTime);
    } else {
        _messages.waitUntilComplete(Clock::system().now() + kTime);
        for (std::size_t client = 0; client < _up.size(); ++client)
            if (const std::string reason = _server.reasonOf(sidOf(client)); !reason.empty())
                problem += "a healthy client was disconnected: " + reason + "\n";
    }
    _server.command("tell healthy bye");
    join();
    _server.reportTo(nullptr);
    const Verdict verdict = _messages.verdict();
    if (!verdict.good()) problem += verdict.text() + "\n";
    if (!mayLeave && open() != _up.size()) problem += "sessions have ended\n";
    for (const auto& each : _pollers) {
        try {
            each->close();
        } catch (const std::exception& e) {
            if (!mayLeave) problem += std::string("leaving: ") + e.what() + "\n";
        }
    }
    for (NumberedClients::Client* const each : _webSockets) each->raw.shutdownWrite();
    MutexLock lock(_mutex);
    return problem + _problem;
}

std::string FaultTraffic::stop() { return finish(false); }

std::string FaultTraffic::stopWhereSomeHaveLeft() { return finish(true); }

}  // namespace socketio::test
