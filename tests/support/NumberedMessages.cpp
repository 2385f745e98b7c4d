#include "support/NumberedMessages.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include <Poco/Checksum.h>

#include "socketio/base/Text.h"

namespace socketio::test {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);
constexpr std::size_t kAnomalies = 10;

// Of every length, and not all of it ASCII.
std::string filler(std::size_t number) {
    std::string text;
    for (std::size_t i = 0; i < number % 24; ++i) text += i % 5 == 4 ? "\xC3\xA9" : "x";
    return text;
}

// Takes what stands in front of the next colon.
std::string_view field(std::string_view& text) {
    const std::size_t colon = text.find(':');
    const std::string_view first = text.substr(0, colon);
    text.remove_prefix(colon == text.npos ? text.size() : colon + 1);
    return first;
}

std::size_t number(std::string_view text) { return parseNumber<std::size_t>(text).value_or(kNone); }

}  // namespace

std::string Verdict::text() const {
    const auto item = [](const char* name, std::uint64_t count) {
        return std::to_string(count) + " " + name;
    };
    std::string text = item("attempted, ", attempted) + item("refused, ", refused) +
                       item("expected, ", expected) + item("received: ", received) +
                       item("lost, ", lost) + item("duplicated, ", duplicated) +
                       item("reordered, ", reordered) + item("corrupt, ", corrupt) +
                       item("unexpected, ", unexpected) + item("silent", silent);
    for (const std::string& each : anomalies) text += "\n    " + each;
    return text;
}

NumberedMessages::NumberedMessages(std::string run) : _run(std::move(run)) {}

// <run>:<stream>:<number>:<filler>:<CRC-32 of what stands before>
std::string NumberedMessages::message(std::string_view run, Stream stream, std::size_t number) {
    std::string text = std::string(run) + ":" + std::to_string(stream) + ":" +
                       std::to_string(number) + ":" + filler(number) + ":";
    Poco::Checksum sum;
    sum.update(text);
    return text + std::to_string(sum.checksum());
}

NumberedMessages::Receiver NumberedMessages::addReceiver(std::string name) {
    MutexLock lock(_mutex);
    _receivers.push_back(std::move(name));
    _left.push_back(false);
    return _receivers.size() - 1;
}

NumberedMessages::Stream NumberedMessages::addStream(std::string name,
                                                     std::vector<Receiver> receivers) {
    MutexLock lock(_mutex);
    Sender sender;
    sender.name = std::move(name);
    for (const Receiver each : receivers) {
        if (sender.laneOf.size() <= each) sender.laneOf.resize(each + 1, kNone);
        sender.laneOf[each] = sender.lanes.size();
        sender.lanes.emplace_back().receiver = each;
    }
    _senders.push_back(std::move(sender));
    return _senders.size() - 1;
}

std::string NumberedMessages::attempt(Stream stream) {
    MutexLock lock(_mutex);
    Sender& sender = _senders.at(stream);
    for (Lane& lane : sender.lanes) {
        lane.states.push_back(State::Expected);
        ++lane.expected;
    }
    const std::size_t number = sender.attempted++;
    lock.unlock();
    return message(_run, stream, number);
}

std::string NumberedMessages::attempt(Stream stream, const std::vector<Receiver>& audience) {
    MutexLock lock(_mutex);
    Sender& sender = _senders.at(stream);
    for (Lane& lane : sender.lanes) lane.states.push_back(State::NotMeant);
    for (const Receiver each : audience) {
        Lane& lane = sender.lanes.at(sender.laneOf.at(each));
        lane.states.back() = State::Expected;
        ++lane.expected;
    }
    const std::size_t number = sender.attempted++;
    lock.unlock();
    return message(_run, stream, number);
}

void NumberedMessages::refused(Stream stream) {
    MutexLock lock(_mutex);
    Sender& sender = _senders.at(stream);
    ++sender.refused;
    for (Lane& lane : sender.lanes)
        if (lane.states.back() == State::Expected) {
            lane.states.back() = State::Refused;
            --lane.expected;
        }
}

NumberedMessages::Lane* NumberedMessages::laneOf(Stream stream, Receiver receiver) {
    if (stream >= _senders.size()) return nullptr;
    Sender& sender = _senders[stream];
    if (receiver >= sender.laneOf.size() || sender.laneOf[receiver] == kNone) return nullptr;
    return &sender.lanes[sender.laneOf[receiver]];
}

void NumberedMessages::anomaly(const char* what, Receiver receiver, std::string_view message) {
    if (_seen.anomalies.size() >= kAnomalies) return;
    std::string_view rest = message;
    field(rest);
    const std::size_t stream = number(field(rest));
    _seen.anomalies.push_back(_receivers[receiver] + ", " +
                              (stream < _senders.size() ? _senders[stream].name : "no stream") +
                              ": " + what + ": " + std::string(message.substr(0, 120)));
}

void NumberedMessages::received(Receiver receiver, std::string_view message) {
    const std::size_t body = message.rfind(':') + 1;  // 0 when there is none
    Poco::Checksum sum;
    sum.update(message.data(), static_cast<unsigned>(body));
    std::string_view rest = message;
    const std::string_view run = field(rest);
    const std::size_t stream = number(field(rest)), which = number(field(rest));

    MutexLock lock(_mutex);
    if (body == 0 || number(message.substr(body)) != sum.checksum()) {
        ++_seen.corrupt;
        return anomaly("corrupt", receiver, message);
    }
    Lane* const lane = run == _run ? laneOf(stream, receiver) : nullptr;
    if (!lane || which >= lane->states.size() || lane->states[which] == State::NotMeant) {
        ++_seen.unexpected;
        return anomaly("unexpected", receiver, message);
    }
    if (lane->states[which] == State::Received) {
        ++_seen.duplicated;
        return anomaly("duplicated", receiver, message);
    }
    if (which < lane->next) {
        ++_seen.reordered;
        anomaly("reordered", receiver, message);
    }
    if (lane->states[which] == State::Expected) ++lane->received;
    lane->states[which] = State::Received;
    lane->next = std::max(lane->next, which + 1);
    ++_seen.received;
    if (_waiting > 0) _changed.notifyAll();
}

void NumberedMessages::ended(Stream stream) {
    MutexLock lock(_mutex);
    _senders.at(stream).ended = true;
}

void NumberedMessages::left(Receiver receiver) {
    MutexLock lock(_mutex);
    _left.at(receiver) = true;
}

template <class Condition>
bool NumberedMessages::wait(Condition condition, TimePoint deadline) {
    MutexLock lock(_mutex);
    ++_waiting;
    while (!condition())
        if (!_changed.waitUntil(_mutex, deadline)) break;
    --_waiting;
    return condition();
}

bool NumberedMessages::waitForRoom(Stream stream, std::size_t window, TimePoint deadline) {
    return wait(
        [&]() SOCKETIO_REQUIRES(_mutex) {
            const auto& lanes = _senders.at(stream).lanes;
            return std::all_of(lanes.begin(), lanes.end(), [&](const Lane& lane) {
                return lane.expected - lane.received < window;
            });
        },
        deadline);
}

bool NumberedMessages::waitUntilComplete(TimePoint deadline) {
    return wait(
        [&]() SOCKETIO_REQUIRES(_mutex) {
            for (const Sender& sender : _senders)
                for (const Lane& lane : sender.lanes)
                    if (lane.received < lane.expected) return false;
            return true;
        },
        deadline);
}

bool NumberedMessages::waitUntilHeard(const Mark& since, const Pairs& pairs, TimePoint deadline) {
    return wait(
        [&]() SOCKETIO_REQUIRES(_mutex) {
            for (Stream stream = 0; stream < since.size(); ++stream)
                for (const Lane& lane : _senders[stream].lanes)
                    if (pairs(stream, lane.receiver) && lane.next <= since[stream]) return false;
            return true;
        },
        deadline);
}

bool NumberedMessages::waitUntilSettled(const Pairs& pairs, TimePoint deadline) {
    return wait(
        [&]() SOCKETIO_REQUIRES(_mutex) {
            for (Stream stream = 0; stream < _senders.size(); ++stream)
                for (const Lane& lane : _senders[stream].lanes)
                    if (!_senders[stream].ended && !_left[lane.receiver] &&
                        pairs(stream, lane.receiver) && lane.next < lane.states.size())
                        return false;
            return true;
        },
        deadline);
}

NumberedMessages::Mark NumberedMessages::mark() const {
    MutexLock lock(_mutex);
    Mark mark;
    for (const Sender& each : _senders) mark.push_back(each.attempted);
    return mark;
}

std::uint64_t NumberedMessages::lostIn(const Sender& sender, const Lane& lane,
                                       std::size_t since) const {
    const bool prefix = sender.ended || _left[lane.receiver];
    const std::size_t end = prefix ? lane.next : lane.states.size();
    std::uint64_t lost = 0;
    for (std::size_t i = since; i < end; ++i) lost += lane.states[i] == State::Expected;
    return lost;
}

std::uint64_t NumberedMessages::lost(const Pairs& pairs, const Mark& since) const {
    MutexLock lock(_mutex);
    std::uint64_t lost = 0;
    for (Stream stream = 0; stream < _senders.size(); ++stream)
        for (const Lane& lane : _senders[stream].lanes)
            if (pairs(stream, lane.receiver))
                lost += lostIn(_senders[stream], lane, stream < since.size() ? since[stream] : 0);
    return lost;
}

std::uint64_t NumberedMessages::attempted() const {
    MutexLock lock(_mutex);
    std::uint64_t attempted = 0;
    for (const Sender& each : _senders) attempted += each.attempted;
    return attempted;
}

Verdict NumberedMessages::verdict() const {
    MutexLock lock(_mutex);
    Verdict verdict = _seen;
    for (const Sender& sender : _senders) {
        verdict.attempted += sender.attempted;
        verdict.refused += sender.refused;
        std::uint64_t received = 0;
        for (const Lane& lane : sender.lanes) {
            received += lane.received;
            verdict.expected += lane.expected;
            const std::uint64_t lost = lostIn(sender, lane);
            verdict.lost += lost;
            if (lost > 0 && verdict.anomalies.size() < kAnomalies)
                verdict.anomalies.push_back(
                    _receivers[lane.receiver] + ", " + sender.name + ": " + std::to_string(lost) +
                    " lost, the first is number " +
                    std::to_string(
                        std::find(lane.states.begin(), lane.states.end(), State::Expected) -
                        lane.states.begin()));
        }
        if (received == 0) ++verdict.silent;
    }
    return verdict;
}

}  // namespace socketio::test
