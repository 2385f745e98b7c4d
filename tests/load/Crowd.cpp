#include "Crowd.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace socketio::test {

namespace {

// Takes the number in front, and the character behind it.
bool takeNumber(std::string_view& text, std::uint64_t& number, char behind) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end == text.data() + text.size() || *end != behind) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    return true;
}

}  // namespace

class Crowd::Member final : private HeldSession::Listener {
public:
    enum class State : std::uint8_t { Out, Joining, Joined, Leaving };

    explicit Member(Crowd& crowd) : _crowd(crowd), _session(crowd._make(*this)) {}

    void join(bool cycling) {
        ++_crowd._counts.begun;
        _cycling = cycling;
        _sent = _nextBroadcast = 0;
        _nextAnswer = 1;
        _state = State::Joining;
        _begunAt = LoadLoop::now();
        _session->join(_crowd._port);
    }

    void leave(bool reset) {
        _state = State::Leaving;
        if (!reset) return _session->leave();
        _session->reset();
        onEnded(*_session);
    }

    void sendEcho() {
        if (_state != State::Joined) return;
        const std::string number = std::to_string(++_sent);
        ++_crowd._counts.echoes;
        _session->send("2" + number + "[\"echo\"," + number + "," +
                       std::to_string(LoadLoop::now()) + "]");
    }

    void expectBroadcast(std::uint64_t number) {
        if (_state == State::Joined) _nextBroadcast = number;
    }

    bool joined() const { return _state == State::Joined; }

    void count(CrowdCounts& counts, std::uint64_t lastBroadcast) const {
        counts.leaving += _state == State::Leaving;
        counts.connected += _state == State::Joining && _session->connected();
        if (!joined()) return;
        ++counts.joined;
        counts.unanswered += _sent + 1 - _nextAnswer;
        counts.behind += lastBroadcast > 0 && _nextBroadcast != lastBroadcast + 1;
    }

private:
    void onJoined(HeldSession&) override {
        _state = State::Joined;
        ++_crowd._counts.everJoined;
        _crowd.joinTimes.add(LoadLoop::now() - _begunAt);
        if (_cycling) _crowd._cycled.push_back(this);
    }

    void onEnded(HeldSession&) override {
        CrowdCounts& counts = _crowd._counts;
        ++(_state == State::Leaving   ? counts.left
           : _state == State::Joining ? counts.refused
                                      : counts.dropped);
        if (_cycling) {
            --_crowd._cycling;
            std::erase(_crowd._cycled, this);
        }
        _state = State::Out;
        _crowd._out.push_back(this);
    }

    void onPacket(HeldSession&, std::string_view packet) override {
        if (_state != State::Joined) return;
        constexpr std::string_view kBroadcast = "2[\"n\",\"";
        if (packet.starts_with('3'))
            onAnswer(packet.substr(1));
        else if (packet.starts_with(kBroadcast))
            onBroadcast(packet.substr(kBroadcast.size()));
        else
            ++_crowd._counts.wrong;
    }

    // 7[7,123456789]
    void onAnswer(std::string_view text) {
        std::uint64_t id = 0, number = 0, time = 0;
        if (!takeNumber(text, id, '[') || !takeNumber(text, number, ',') ||
            !takeNumber(text, time, ']') || !text.empty() || id != number || number == 0 ||
            number > _sent) {
            ++_crowd._counts.wrong;
            return;
        }
        if (!inOrder(number, _nextAnswer)) return;
        ++_crowd._counts.answers;
        _crowd.answerTimes.add(LoadLoop::now() - static_cast<std::int64_t>(time));
    }

    // 7 123456789"]
    void onBroadcast(std::string_view text) {
        std::uint64_t number = 0, time = 0;
        if (!takeNumber(text, number, ' ') || !takeNumber(text, time, '"') || text != "]") {
            ++_crowd._counts.wrong;
            return;
        }
        if (_nextBroadcast == 0) _nextBroadcast = number;
        if (!inOrder(number, _nextBroadcast)) return;
        ++_crowd._counts.broadcasts;
        _crowd.broadcastTimes.add(LoadLoop::now() - static_cast<std::int64_t>(time));
    }

    /// False for one that has come too late. One that comes too early leaves what it has overtaken
    /// unanswered, or is told of here.
    bool inOrder(std::uint64_t number, std::uint64_t& next) {
        if (number < next) {
            ++_crowd._counts.late;
            return false;
        }
        _crowd._counts.early += number > next;
        next = number + 1;
        return true;
    }

    Crowd& _crowd;
    const std::unique_ptr<HeldSession> _session;
    std::int64_t _begunAt = 0;
    std::uint64_t _sent = 0, _nextAnswer = 1;  // numbers, from 1
    std::uint64_t _nextBroadcast = 0;          // 0: not known
    State _state = State::Out;
    bool _cycling = false;
};

Crowd::Crowd(LoadLoop& loop, std::uint16_t port, MakeSession make)
    : _loop(loop), _port(port), _make(std::move(make)) {}

Crowd::~Crowd() = default;

std::uint64_t Crowd::Schedule::due(std::int64_t now) const {
    if (count == 0) return 0;
    if (nanoseconds == 0) return count - done;
    return static_cast<std::uint64_t>(now - start) * count /
               static_cast<std::uint64_t>(nanoseconds) -
           done;
}

void Crowd::join(std::size_t count, int milliseconds) {
    _joins.push_back({LoadLoop::now(), milliseconds * 1'000'000LL, count, 0});
}

void Crowd::leave(std::size_t count, bool reset) {
    for (std::size_t i = _members.size(); i-- > 0 && count > 0;) {
        if (!_members[i]->joined()) continue;
        _members[i]->leave(reset);
        --count;
    }
}

void Crowd::echoEvery(int milliseconds) {
    _echoes = {LoadLoop::now(), milliseconds * 1'000'000LL, milliseconds ? _members.size() : 0, 0};
}

void Crowd::expectBroadcast(std::uint64_t number) {
    for (const auto& each : _members) each->expectBroadcast(number);
}

void Crowd::churn(std::size_t perMinute) {
    _churn = {LoadLoop::now(), 60'000'000'000LL, perMinute, 0};
}

void Crowd::cycle(std::size_t count, std::size_t atOnce) {
    _cycles += count;
    _cyclesAtOnce = atOnce;
}

Crowd::Member& Crowd::begin() {
    if (_out.empty()) {
        _members.push_back(std::make_unique<Member>(*this));
        return *_members.back();
    }
    // The one that has been out for longest would make this a queue; any will do.
    Member* const member = _out.back();
    _out.pop_back();
    return *member;
}

void Crowd::turn() {
    constexpr int kWait = 2;  // milliseconds
    _loop.turn(kWait);
    runSchedules();
    runCycles();
}

void Crowd::runSchedules() {
    const std::int64_t now = LoadLoop::now();
    for (Schedule& each : _joins)
        for (std::uint64_t due = std::min(each.due(now), each.count - each.done); due > 0; --due) {
            ++each.done;
            begin().join(false);
        }
    std::erase_if(_joins, [](const Schedule& each) { return each.done == each.count; });
    for (std::uint64_t due = _echoes.due(now); due > 0; --due) {
        ++_echoes.done;
        _members[_nextEcho++ % _members.size()]->sendEcho();
    }
    for (std::uint64_t due = _churn.due(now); due > 0; --due) {
        ++_churn.done;
        Member& other = begin();
        for (std::size_t tries = _members.size(); tries > 0; --tries) {
            Member& leaver = *_members[_random() % _members.size()];
            if (!leaver.joined()) continue;
            leaver.leave(std::exchange(_byReset, !_byReset));
            break;
        }
        other.join(false);
    }
}

void Crowd::runCycles() {
    for (Member* const each : std::exchange(_cycled, {}))
        each->leave(std::exchange(_byReset, !_byReset));
    for (; _cycles > 0 && _cycling < _cyclesAtOnce; --_cycles) {
        ++_cycling;
        begin().join(true);
    }
}

CrowdCounts Crowd::counts(std::uint64_t lastBroadcast) const {
    CrowdCounts counts = _counts;
    for (const auto& each : _members) each->count(counts, lastBroadcast);
    return counts;
}

}  // namespace socketio::test
