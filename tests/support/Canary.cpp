#include "support/Canary.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <type_traits>

#include "support/EngineClient.h"

namespace socketio::test {

using namespace std::chrono_literals;

Canary::Canary(std::uint16_t port, const RawClient::Options& options)
    : _polling([this, port, options] { run<PollingClient>(port, options, _pollingAnswers); }),
      _webSocket(
          [this, port, options] { run<WebSocketClient>(port, options, _webSocketAnswers); }) {}

Canary::~Canary() { finish(); }

void Canary::report(const std::string& problem) {
    if (_writing.exchange(true)) return;
    _problem = problem;
    _failed = true;
}

void Canary::addTime(Milliseconds time) {
    MutexLock lock(_mutex);
    _times.push_back(time);
}

std::string Canary::judgeTimes() const {
    std::vector<Milliseconds> times;
    {
        MutexLock lock(_mutex);
        times = _times;
    }
    if (times.empty()) return {};
    std::sort(times.begin(), times.end());
    const auto tell = [](const char* what, Milliseconds time) {
        return std::string("canary: ") + what + " answer took " + std::to_string(time.count()) +
               " ms";
    };
    if (times.back() > kSlowest) return tell("the slowest", times.back());
    const Milliseconds median = times[(times.size() - 1) / 2];
    if (median > kMedian) return tell("the median", median);
    return {};
}

namespace {
template <class Client>
Client open(std::uint16_t port, RawClient::Options options) {
    options.deadline = 2 * Canary::kSlowest;
    if constexpr (std::is_same_v<Client, PollingClient>)
        return PollingClient(port, {}, options);
    else
        return WebSocketClient(port, {}, {}, options);
}
void post(PollingClient& client, const std::string& packet) { client.post(packet); }
void post(WebSocketClient& client, const std::string& packet) { client.send(packet); }
}  // namespace

template <class Client>
void Canary::run(std::uint16_t port, const RawClient::Options& options, std::atomic<int>& answers) {
    try {
        Client client = open<Client>(port, options);
        client.connect();
        for (int i = 0; !_stop; ++i) {
            const std::string number = std::to_string(i);
            const auto asked = std::chrono::steady_clock::now();
            post(client, "42" + number + "[\"echo\"," + number + "]");
            const std::string answer = client.next();
            if (answer != "43" + number + "[" + number + "]")
                throw std::runtime_error("asked " + number + ", got " + answer);
            addTime(
                std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - asked));
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
    const auto end = std::chrono::steady_clock::now() + 2 * kSlowest;
    while (!_failed && (_pollingAnswers == polling || _webSocketAnswers == webSocket)) {
        if (std::chrono::steady_clock::now() > end) return "canary: no answer any more";
        std::this_thread::sleep_for(1ms);
    }
    return _failed ? _problem : judgeTimes();
}

std::string Canary::finish() {
    _stop = true;
    if (_polling.joinable()) _polling.join();
    if (_webSocket.joinable()) _webSocket.join();
    return _failed ? _problem : judgeTimes();
}

}  // namespace socketio::test
