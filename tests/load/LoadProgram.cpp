// The clients of the tests under load: a crowd of one kind in a process of its own, which has its
// own limit of descriptors. It does what it is told over descriptor 0, a line each, and ends with
// it.
//
//     load-clients KIND PORT POST-CHANNELS      KIND: websocket, tls, polling, fastcgi
//
//     to it                         what it does
//     join COUNT MILLISECONDS       see Crowd
//     leave COUNT reset|word
//     echo MILLISECONDS
//     expect NUMBER
//     churn PER-MINUTE
//     cycle COUNT AT-ONCE
//     fresh                         forgets the times that it has measured
//     ask NUMBER LAST-BROADCAST     answers with a line `NAME VALUE` for each count, and the times
//                                   in microseconds, then `answer NUMBER`
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

#include "Crowd.h"
#include "FcgiChannel.h"
#include "HttpChannel.h"
#include "LoadLoop.h"
#include "PollingSession.h"
#include "WebSocketSession.h"

namespace socketio::test {

namespace {

class LoadProgram {
public:
    LoadProgram(const std::string& kind, std::uint16_t port, std::size_t postChannels)
        : _crowd(_loop, port, makerOf(kind, port, postChannels)) {}

    void run() {
        while (follow()) _crowd.turn();
    }

private:
    Crowd::MakeSession makerOf(const std::string& kind, std::uint16_t port, std::size_t channels) {
        if (kind == "tls") _loop.useTls();
        if (kind == "websocket" || kind == "tls")
            return [this](HeldSession::Listener& listener) {
                return std::make_unique<WebSocketSession>(_loop, listener);
            };
        if (kind != "polling" && kind != "fastcgi") throw std::runtime_error("what is " + kind);
        const MakeChannel make =
            [this, fastCgi = kind == "fastcgi"](
                RequestChannel::Listener& listener) -> std::unique_ptr<RequestChannel> {
            if (fastCgi) return std::make_unique<FcgiChannel>(_loop, listener);
            return std::make_unique<HttpChannel>(_loop, listener);
        };
        _office = std::make_unique<PostOffice>(make, port, channels);
        return [this, make](HeldSession::Listener& listener) {
            return std::make_unique<PollingSession>(make, *_office, listener);
        };
    }

    /// False when the test has gone.
    bool follow() {
        char buffer[4096];
        const ssize_t size = ::recv(0, buffer, sizeof buffer, MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return false;
        if (size < 0) return true;
        _input.append(buffer, static_cast<std::size_t>(size));
        std::size_t begin = 0;
        for (std::size_t end; (end = _input.find('\n', begin)) != _input.npos; begin = end + 1)
            command(_input.substr(begin, end - begin));
        _input.erase(0, begin);
        return true;
    }

    void command(const std::string& line) {
        std::istringstream words(line);
        std::string name, how;
        std::size_t number = 0;
        int other = 0;
        words >> name >> number;
        if (name == "leave") {
            words >> how;
            _crowd.leave(number, how == "reset");
            return;
        }
        words >> other;
        if (name == "join")
            _crowd.join(number, other);
        else if (name == "echo")
            _crowd.echoEvery(static_cast<int>(number));
        else if (name == "expect")
            _crowd.expectBroadcast(number);
        else if (name == "churn")
            _crowd.churn(number);
        else if (name == "cycle")
            _crowd.cycle(number, static_cast<std::size_t>(other));
        else if (name == "fresh")
            for (LatencyHistogram* const each :
                 {&_crowd.answerTimes, &_crowd.broadcastTimes, &_crowd.joinTimes})
                each->clear();
        else if (name == "ask")
            answer(number, static_cast<std::uint64_t>(other));
        else
            throw std::runtime_error("what is " + line);
    }

    void answer(std::size_t number, std::uint64_t lastBroadcast) {
        const CrowdCounts counts = _crowd.counts(lastBroadcast);
        std::ostringstream text;
        for (const auto& [name, value] : {std::pair{"begun", counts.begun},
                                          {"connected", counts.connected},
                                          {"joined", counts.joined},
                                          {"everJoined", counts.everJoined},
                                          {"left", counts.left},
                                          {"leaving", counts.leaving},
                                          {"refused", counts.refused},
                                          {"dropped", counts.dropped},
                                          {"echoes", counts.echoes},
                                          {"answers", counts.answers},
                                          {"unanswered", counts.unanswered},
                                          {"broadcasts", counts.broadcasts},
                                          {"behind", counts.behind},
                                          {"early", counts.early},
                                          {"late", counts.late},
                                          {"wrong", counts.wrong}})
            text << name << ' ' << value << '\n';
        times(text, "answer", _crowd.answerTimes);
        times(text, "broadcast", _crowd.broadcastTimes);
        times(text, "join", _crowd.joinTimes);
        text << "answer " << number << '\n';
        const std::string bytes = text.str();
        if (::send(0, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(bytes.size()))
            throw std::runtime_error("the test does not read");
    }

    static void times(std::ostringstream& text, const char* name, const LatencyHistogram& times) {
        text << name << ".p50 " << static_cast<std::uint64_t>(times.percentile(0.5)) << '\n'
             << name << ".p99 " << static_cast<std::uint64_t>(times.percentile(0.99)) << '\n'
             << name << ".most " << static_cast<std::uint64_t>(times.percentile(1)) << '\n';
    }

    LoadLoop _loop;
    std::unique_ptr<PostOffice> _office;
    Crowd _crowd;
    std::string _input;
};

}  // namespace

}  // namespace socketio::test

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        socketio::test::LoadProgram(argv[1], static_cast<std::uint16_t>(std::atoi(argv[2])),
                                    static_cast<std::size_t>(std::atoi(argv[3])))
            .run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "load-clients: %s\n", error.what());
        return 1;
    }
    return 0;
}
