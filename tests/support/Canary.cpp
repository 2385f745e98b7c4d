#include "support/Canary.h"

#include <chrono>
#include <exception>
#include <stdexcept>

#include "support/EngineClient.h"

namespace socketio::test {

using namespace std::chrono_literals;

Canary::Canary(std::uint16_t port)
    : _polling([this, port] { run<PollingClient>(port, _pollingAnswers); }),
      _webSocket([this, port] { run<WebSocketClient>(port, _webSocketAnswers); }) {}

Canary::~Canary() { finish(); }

void Canary::report(const std::string& problem) {
    if (_writing.exchange(true)) return;
    _problem = problem;
    _failed = true;
}

namespace {
void post(PollingClient& client, const std::string& packet) { client.post(packet); }
void post(WebSocketClient& client, const std::string& packet) { client.send(packet); }
}  // namespace

template <class Client>
void Canary::run(std::uint16_t port, std::atomic<int>& answers) {
    try {
        Client client(port);
        client.connect();
        for (int i = 0; !_stop; ++i) {
            const std::string number = std::to_string(i);
            post(client, "42" + number + "[\"echo\"," + number + "]");
            const std::string answer = client.next();
            if (answer != "43" + number + "[" + number + "]")
                throw std::runtime_error("asked " + number + ", got " + answer);
            ++answers;
            // The rate of a healthy client, not a wait for anything.
            const auto next = std::chrono::steady_clock::now() + 100ms;
            while (!_stop && std::chrono::steady_clock::now() < next)
                std::this_thread::sleep_for(5ms);
        }
    } catch (const std::exception& e) {
        report(std::string("canary: ") + e.what());
    }
}

std::string Canary::verdict() {
    const int polling = _pollingAnswers, webSocket = _webSocketAnswers;
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!_failed && (_pollingAnswers == polling || _webSocketAnswers == webSocket)) {
        if (std::chrono::steady_clock::now() > end) return "canary: no answer for 10 s";
        std::this_thread::sleep_for(1ms);
    }
    return _failed ? _problem : std::string();
}

std::string Canary::finish() {
    _stop = true;
    if (_polling.joinable()) _polling.join();
    if (_webSocket.joinable()) _webSocket.join();
    return _failed ? _problem : std::string();
}

}  // namespace socketio::test
