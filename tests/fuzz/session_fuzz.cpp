// An Engine.IO session as a state machine: polls, posts, upgrades, pings, closes and time in any
// order. An input is the options in its first byte (bit 0: revision 3; bit 1: begin on a
// WebSocket), then one step per byte; steps that need more take the bytes behind. Messages are
// numbered, so that what is lost, doubled or out of order shows.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../engine/EngineFixture.h"
#include "Pieces.h"

namespace {

using namespace std::chrono_literals;
using socketio::fuzz::require;
using socketio::test::EngineFixture;
using socketio::test::FakeExchange;
using socketio::test::FakeWebSocketChannel;

class Run {
public:
    Run(bool revision3, bool onWebSocket) : _revision(revision3 ? 3 : 4) {
        const std::string query = "EIO=" + std::to_string(_revision) + "&transport=";
        if (onWebSocket) {
            _channels.push_back(_fixture.openWebSocket(_revision));
            _query = query + "polling&sid=" + _fixture.session().sid();
        } else {
            _query = _fixture.openPolling(_revision);
        }
    }

    void steps(std::string_view bytes) {
        const auto next = [&bytes] {
            const char c = bytes.empty() ? '\0' : bytes.front();
            bytes.remove_prefix(bytes.empty() ? 0 : 1);
            return static_cast<unsigned char>(c);
        };
        for (int count = 0; !bytes.empty() && count < 400; ++count) {
            const unsigned char step = next();
            switch (step % 16) {
                case 0:
                    _polls.push_back(_fixture.get(_query));
                    break;
                case 1:
                    postMessage();
                    break;
                case 2:
                    holdMessage();
                    break;
                case 3:
                    if (!_held.empty()) std::exchange(_held, {})[0]->deliverBody();
                    break;
                case 4:
                    if (auto candidate =
                            _channels.size() < 8 ? _fixture.openCandidate(_query) : nullptr)
                        _channels.push_back(std::move(candidate));
                    break;
                case 5:
                    channelText(step, "2probe");
                    break;
                case 6:
                    channelText(step, "5");
                    break;
                case 7:
                    channelText(step, message());
                    break;
                case 8:
                    channelText(step, _revision == 4 ? "3" : "2");
                    break;
                case 9:
                    if (!_channels.empty()) _channels[(step >> 4) % _channels.size()]->drop();
                    break;
                case 10:
                    _fixture.send("s" + std::to_string(_sent++) + ";");
                    break;
                case 11:
                    _fixture.executor.advance((next() + 1) * 100ms);
                    break;
                case 12:
                    if (!_polls.empty()) _polls[(step >> 4) % _polls.size()]->abort();
                    break;
                case 13:
                    garbage(step, next());
                    break;
                case 14:
                    _fixture.pauseInput(step >> 4 & 1);
                    break;
                case 15:
                    if (step >> 4 == 15)
                        _fixture.onSession([](socketio::EngineSession& session) {
                            session.close(socketio::CloseReason::ForcedClose);
                        });
                    else
                        post(_revision == 4 ? "3" : "2");
                    break;
            }
            if (step >> 4 != 7) _fixture.executor.run();
            check();
        }
    }

    /// A client that goes on doing nothing is gone soon, and nothing is left of it.
    void end() {
        _fixture.pauseInput(false);
        for (const auto& exchange : std::exchange(_held, {}))
            exchange->failBody(socketio::Exchange::BodyStatus::Incomplete);
        for (const auto& channel : _channels)
            if (channel->closed()) channel->drop();
        _fixture.executor.advance(120s);
        for (const auto& channel : _channels) channel->drop();
        _fixture.executor.run();
        check();
        require(_fixture.session().closed(), "a silent session ends");
        require(_closes == 1, "one close is heard");
        require(_fixture.server.sessionCount() == 0, "no session is left");
        for (const auto& exchange : _polls) require(exchange->finished(), "a poll is answered");
        for (const auto& exchange : _posts) require(exchange->finished(), "a post is answered");
        for (const auto& channel : _channels)
            require(!channel->hasListener(), "a channel lets go of its session");
        require(_fixture.executor.armedTimers() == 0, "no timer is left");
    }

private:
    /// What comes next from the client.
    std::string message() { return "4c" + std::to_string(_said++) + ";"; }
    void postMessage() {
        const int number = _said;
        post(message());
        _unanswered.emplace_back(_posts.back(), number);
    }
    void holdMessage() {
        const int number = _said;
        hold(message());
        _unanswered.emplace_back(_posts.back(), number);
    }
    std::string payload(const std::string& packet) const {
        return _revision == 4 ? packet : std::to_string(packet.size()) + ":" + packet;
    }
    void post(const std::string& packet) {
        _posts.push_back(_fixture.post(_query, payload(packet)));
    }
    void hold(const std::string& packet) {
        if (!_held.empty()) return post(packet);  // two at once
        _anyHeld = true;
        auto exchange = FakeExchange::make(_fixture.executor, "POST", EngineFixture::target(_query),
                                           {}, payload(packet));
        exchange->holdBody = true;
        _posts.push_back(exchange);
        _held.push_back(exchange);
        _fixture.begin(exchange);
    }
    void channelText(unsigned char step, const std::string& text) {
        if (!_channels.empty()) _channels[(step >> 4) % _channels.size()]->text(text);
    }
    void garbage(unsigned char step, unsigned char what) {
        static constexpr std::string_view kBytes[] = {"",      "7",     "4\xff",  "1:4\x1e",
                                                      "b4AAA", "99:4x", "1",      "6",
                                                      "0{}",   "2",     "3probe", "\x1e\x1e"};
        const std::string text(kBytes[what % std::size(kBytes)]);
        if (step >> 4 & 1 && !_channels.empty())
            _channels.back()->text(text);
        else
            _posts.push_back(_fixture.post(_query, text));
    }

    void check() {
        hear();
        listen();
        const auto waiting = [](const FakeExchange::Ptr& exchange) {
            return !exchange->finished();
        };
        require(std::count_if(_polls.begin(), _polls.end(), waiting) <= 1, "one poll at a time");
        require(std::count_if(_posts.begin(), _posts.end(), waiting) <= 1, "one post at a time");
        std::erase_if(_unanswered, [this](const auto& entry) {
            const auto& [exchange, number] = entry;
            if (!exchange->finished()) return false;
            const bool ok = exchange->answered() && exchange->response->status == 200;
            require(!ok || _closes > 0 ||
                        std::find(_heard.begin(), _heard.end(), number) != _heard.end(),
                    "what was answered \"ok\" was heard, or the session ended");
            return true;
        });
    }

    /// What the server's side was told since the last call.
    void hear() {
        for (const std::string& line : _fixture.listener().take()) {
            require(_closes == 0, "nothing behind the close");
            if (line.starts_with("close ")) ++_closes;
            if (!line.starts_with("text c")) continue;
            const int number = std::atoi(line.c_str() + 6);
            require(std::find(_heard.begin(), _heard.end(), number) == _heard.end(),
                    "no message twice");
            // A held body is overtaken by what comes over the WebSocket meanwhile.
            require(_anyHeld || _heard.empty() || number > _heard.back(), "messages in order");
            require(number < _said, "only what was said");
            _heard.push_back(number);
        }
    }
    /// What the client got since the last call.
    void listen() {
        for (const auto& exchange : _polls) {
            if (!exchange->answered() || exchange->gone) continue;
            got(std::exchange(exchange->response->body, {}));
        }
        for (const auto& channel : _channels)
            for (const std::string& text : channel->take()) got(text);
    }
    void got(std::string_view text) {
        for (std::size_t at = 0; (at = text.find("4s", at)) != text.npos; at += 2) {
            require(std::atoi(text.data() + at + 2) == _got, "each message once and in order");
            ++_got;
        }
        require(_got <= _sent, "only what was sent");
    }

    EngineFixture _fixture;
    const int _revision;
    std::string _query;
    std::vector<FakeExchange::Ptr> _polls, _posts, _held;
    std::vector<std::shared_ptr<FakeWebSocketChannel>> _channels;
    std::vector<std::pair<FakeExchange::Ptr, int>> _unanswered;  // posts and their messages
    std::vector<int> _heard;
    int _said = 0, _sent = 0, _got = 0, _closes = 0;
    bool _anyHeld = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Run run(data[0] & 1, data[0] & 2);
    run.steps(socketio::fuzz::view(data + 1, size - 1));
    run.end();
    return 0;
}
