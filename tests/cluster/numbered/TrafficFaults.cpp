#include "TrafficFaults.h"

#include <chrono>
#include <csignal>
#include <cstdio>

#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>

#include "support/ChildProgram.h"
#include "support/EngineClient.h"
#include "support/Waiting.h"

namespace socketio::test {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kServers = NumberedCluster::kServers;
constexpr std::size_t kClients = 4;   // per server
constexpr unsigned kPerSecond = 300;  // per server
// Per server: a few when an outage begins and when it ends, and one every ten seconds about the
// broker and about lost messages.
constexpr std::size_t kMostLines = 6;
constexpr Duration kLineEvery = seconds(5);

double inMilliseconds(Duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

std::string tookTooLong(Duration took, Duration limit) {
    const auto text = [](Duration time) {
        return std::to_string(std::chrono::ceil<milliseconds>(time).count()) + " ms";
    };
    return " took " + text(took) + " of " + text(limit);
}

}  // namespace

/// What the servers log.
class LogLines : public Poco::Channel {
public:
    void log(const Poco::Message& message) override {
        const MutexLock lock(_mutex);
        _lines.push_back(message.getText());
    }
    std::vector<std::string> lines() const {
        const MutexLock lock(_mutex);
        return _lines;
    }

private:
    mutable Mutex _mutex;
    std::vector<std::string> _lines SOCKETIO_GUARDED_BY(_mutex);
};

TrafficFaults::TrafficFaults() = default;
TrafficFaults::~TrafficFaults() = default;

void TrafficFaults::tearDown() {
    _traffic.reset();
    _cluster.reset();
    Poco::Logger::setChannel("socketio", Poco::Logger::root().getChannel());
}

void TrafficFaults::begin(const std::vector<NumberedCluster::Receiver>& others) {
    if (!_cluster)
        _cluster = std::make_unique<NumberedCluster>([this] { return makeManager(); }, kClients);
    _log = new LogLines;
    Poco::Logger::setChannel("socketio", _log);
    _back.reset();
    _began = Clock::system().now();
    _traffic = std::make_unique<LiveTraffic>(*_cluster, kPerSecond, others);
    CPPUNIT_ASSERT(_traffic->heard(Where::Elsewhere, seconds(10)));
}

void TrafficFaults::inTime(bool holds, const std::string& what) {
    if (!holds) _late += "\n    " + what;
}

Duration TrafficFaults::hears(Where where, Duration limit, const NumberedMessages::Mark& since) {
    const TimePoint begin = Clock::system().now();
    CPPUNIT_ASSERT(_traffic->heard(where, seconds(30), since));
    const Duration took = Clock::system().now() - begin;
    const std::string what = where == Where::AtHome ? "at home" : "elsewhere";
    inTime(took <= limit, "to be heard " + what + tookTooLong(took, limit));
    return took;
}

void TrafficFaults::goOn(Duration time, const std::function<void()>& each) {
    for (const TimePoint end = Clock::system().now() + time; Clock::system().now() < end; each())
        hears(Where::AtHome, seconds(1));
}

void TrafficFaults::comesBack(Duration limit, const NumberedMessages::Mark& outage) {
    _back = hears(Where::Elsewhere, limit, outage);
}

std::uint64_t TrafficFaults::dropped() const {
    std::uint64_t dropped = 0;
    for (std::size_t server = 0; server < kServers; ++server)
        dropped += _cluster->counted(server).publishDropped;
    return dropped;
}

std::uint64_t TrafficFaults::end(const char* fault) {
    CPPUNIT_ASSERT(_traffic->heard(Where::Elsewhere, seconds(10)));
    _traffic->stop();
    NumberedMessages& messages = _cluster->messages();
    CPPUNIT_ASSERT(messages.waitUntilSettled([](auto, auto) { return true; },
                                             Clock::system().now() + seconds(20)));
    const Verdict verdict = messages.verdict();
    std::uint64_t missed = 0;
    for (std::size_t server = 0; server < kServers; ++server)
        missed += _cluster->counted(server).missed;
    const std::vector<std::string> lines = _log->lines();
    std::printf(
        "%s: %s messages, %s missed of %s copies, %s dropped by senders, back in "
        "%.0f ms, emit %.2f ms at p99, %.1f at most, %zu lines logged\n",
        fault, grouped(verdict.attempted).c_str(), grouped(missed).c_str(),
        grouped(verdict.attempted * (kServers - 1)).c_str(), grouped(dropped()).c_str(),
        _back ? inMilliseconds(*_back) : 0.0, inMilliseconds(_traffic->usualEmit()),
        inMilliseconds(_traffic->longestEmit()), lines.size());

    CPPUNIT_ASSERT_MESSAGE(verdict.text(), verdict.goodButForLosses());
    CPPUNIT_ASSERT_EQUAL_MESSAGE(verdict.text(), std::uint64_t(0), _traffic->lostAtHome());
    for (std::size_t server = 0; server < kServers; ++server) {
        const auto receivers = _cluster->receivers(server);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(verdict.text(), _cluster->counted(server).missed,
                                     _traffic->lostFromElsewhere(receivers.front(), false));
        for (const auto each : receivers)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(verdict.text(),
                                         _traffic->lostFromElsewhere(receivers.front(), true),
                                         _traffic->lostFromElsewhere(each, true));
        for (const NumberedClients::Client* each : _cluster->node(server).clients)
            CPPUNIT_ASSERT(each->open);
    }
    // An emit that waits for the broker would take seconds.
    constexpr Duration kUsual = milliseconds(10), kLongest = milliseconds(500);
    inTime(_traffic->usualEmit() < kUsual,
           "an emit" + tookTooLong(_traffic->usualEmit(), kUsual) + " at p99");
    inTime(_traffic->longestEmit() < kLongest,
           "an emit" + tookTooLong(_traffic->longestEmit(), kLongest));
    std::string text;
    for (std::size_t i = 0; i < lines.size() && i < 40; ++i) text += "\n    " + lines[i];
    const auto most =
        kMostLines + static_cast<std::size_t>((Clock::system().now() - _began) / kLineEvery);
    CPPUNIT_ASSERT_MESSAGE(text, lines.size() <= most * kServers);
    return missed;
}

// ---- the same for every broker ------------------------------------------------------------------

namespace {

/// A fourth server, a process of its own, and who makes it emit.
class OtherServer {
public:
    OtherServer(NumberedCluster& cluster, const std::string& url,
                NumberedCluster::Receiver receiver)
        : _program({CLUSTER_SERVER, "--manager", url}), _port(waitForPort()), _driver(_port) {
        _driver.connect();
        cluster.clients().connect(_port, receiver);
    }

    bool emit(const std::string& event, const std::string& text) {
        return _driver.raw().trySend(RawClient::frame(
            RawFrame::Text,
            "42[\"emit\",{\"event\":\"" + event + "\",\"args\":[\"" + text + "\"]}]"));
    }
    void kill() {
        _program.signal(SIGKILL);
        CPPUNIT_ASSERT_EQUAL(1000 + SIGKILL, _program.wait());
    }

private:
    std::uint16_t waitForPort() {
        _program.waitForOutput("\n");
        return static_cast<std::uint16_t>(
            std::stoi(_program.output().substr(std::string("listening on ").size())));
    }

    ChildProgram _program;
    const std::uint16_t _port;
    WebSocketClient _driver;
};

}  // namespace

void TrafficFaults::aServerIsKilled() {
    _cluster = std::make_unique<NumberedCluster>([this] { return makeManager(); }, kClients);
    NumberedMessages& messages = _cluster->messages();
    const auto receiver = messages.addReceiver("client of the server that is killed");
    auto other = std::make_unique<OtherServer>(*_cluster, url(), receiver);
    CPPUNIT_ASSERT(_cluster->findOneAnother("0123", [&] { other->emit("hello", "3"); }));

    auto audience = _cluster->receivers();
    audience.push_back(receiver);
    const auto stream = messages.addStream("from the server that is killed", audience);
    begin({receiver});
    const auto emit = [&] { CPPUNIT_ASSERT(other->emit("n", messages.attempt(stream))); };
    goOn(seconds(1), emit);
    CPPUNIT_ASSERT(messages.waitForRoom(stream, 1, Clock::system().now() + seconds(10)));
    // It ends while these are on their way.
    for (int i = 0; i < 300; ++i) emit();
    other->kill();
    messages.ended(stream);
    messages.left(receiver);
    goOn(seconds(1));
    other.reset();

    // Another one in its place is heard, and hears.
    OtherServer next(*_cluster, url(), NumberedClients::kNobody);
    CPPUNIT_ASSERT(_cluster->findOneAnother("0124", [&] { next.emit("hello", "4"); }));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), end("a server killed"));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), dropped());
    next.kill();
}

void TrafficFaults::hostileMessages() {
    begin();
    const std::string own = _cluster->node(0).manager->hostId();
    const std::string emit = R"({"method":"emit","event":"n","data":["x"],"namespace":"/")";
    const std::string binary =
        R"({"method":"emit","event":"n","namespace":"/","binary":true,"data":)";
    const std::string depth(10'000, '[');
    const std::string ignored[] = {
        // P1
        "not JSON", "", "[1,2]", "7", "null", "{}", R"({"method":"x"})", R"({"method":7})",
        R"({"method":"emit"})", R"({"method":"emit","event":"n"})",
        R"({"method":"emit","event":7,"data":[],"namespace":"/"})",
        R"({"method":"emit","event":"n","data":["x"],"namespace":7})", emit + R"(,"room":7})",
        emit + R"(,"room":[7]})", emit + R"(,"skip_sid":{}})", emit + R"(,"callback":7})",
        emit + R"(,"callback":["r","/","1"]})", emit + R"(,"host_id":7})", emit + R"(,"binary":7})",
        R"({"method":"callback"})",
        R"({"method":"callback","host_id":7,"sid":"r","namespace":"/","id":1,"args":[]})",
        R"({"method":"callback","host_id":"h","sid":"r","namespace":"/","id":"1","args":[]})",
        R"({"method":"callback","host_id":"h","sid":"r","namespace":"/","id":1,"args":7})",
        R"({"method":"disconnect"})", R"({"method":"disconnect","sid":7,"namespace":"/"})",
        R"({"method":"enter_room","sid":"s","room":7,"namespace":"/"})",
        R"({"method":"leave_room","sid":"s","namespace":"/"})",
        R"({"method":"close_room","room":[],"namespace":"/"})",
        R"({"method":"emit","event":"n","namespace":"/","data":)" + depth,
        emit + ",\"x\":\"" + std::string(hugeBytes(), 'x') + "\"}",
        // P2: a pickle that calls something, broken ones, msgpack
        std::string("\x80\x03"
                    "cposix\nsystem\nX\x04\x00\x00\x00"
                    "trueq\x00\x85R.",
                    30),
        "\x80", std::string("\x80\x02}q\x00", 5),
        std::string("\x81\xa6method\xa4"
                    "emit"),
        // P3
        binary + R"([[{"_placeholder":true,"num":0}],"%%%"]})",
        binary + R"([[{"_placeholder":true,"num":1}],"AAAA"]})",
        binary + R"([[{"_placeholder":true,"num":-1}],"AAAA"]})"};
    const std::string harmless[] = {
        // P4
        R"({"method":"callback","host_id":")" + own +
            R"(","sid":"r","namespace":"/","id":99999,"args":[]})",
        R"({"method":"callback","host_id":")" + own +
            R"(","sid":"r","namespace":"/","id":99999,"args":[]})",
        R"({"method":"callback","host_id":"somebody","sid":"r","namespace":"/","id":1,"args":[]})",
        // P5
        R"({"method":"disconnect","sid":"nobody","namespace":"/"})",
        R"({"method":"disconnect","sid":"nobody","namespace":"/nowhere"})",
        R"({"method":"enter_room","sid":"nobody","room":"half","namespace":"/"})",
        R"({"method":"leave_room","sid":"nobody","room":"half","namespace":"/nowhere"})",
        R"({"method":"close_room","room":"no room","namespace":"/nowhere"})"};
    std::uint64_t bad = 0;
    for (const std::string& each : ignored) {
        say(each, 1);
        ++bad;
        const bool counted = eventually(
            [&] {
                for (std::size_t server = 0; server < kServers; ++server)
                    if (_cluster->counted(server).ignored != bad) return false;
                return true;
            },
            seconds(10));
        CPPUNIT_ASSERT_MESSAGE(each.substr(0, 100) + ": " +
                                   std::to_string(_cluster->counted(0).ignored) + " of " +
                                   std::to_string(bad),
                               counted);
        hears(Where::Elsewhere, seconds(2));
    }
    for (const std::string& each : harmless) say(each, 1);
    // P6: a message of a server that comes back to it, and comes again to the others.
    say(R"({"method": "emit", "event": "n", "data": [")" + NumberedMessages::message("run", 0, 0) +
            R"("], "binary": false, "namespace": "/", "room": null, "skip_sid": null, "seq": 1, )"
            R"("host_id": ")" +
            own + R"("})",
        1);
    hears(Where::Elsewhere, seconds(2));
    // P7: as fast as they are taken.
    constexpr int kFlood = 100'000;
    say("nonsense", kFlood);
    comesBack(seconds(10));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), end("hostile messages"));
    for (std::size_t server = 0; server < kServers; ++server) {
        const PubSubManager::Counters counted = _cluster->counted(server);
        CPPUNIT_ASSERT_EQUAL(bad + kFlood + (server == 0 ? 0 : 1),
                             counted.ignored + counted.receiveDropped);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), counted.reconnects);
    }
}

}  // namespace socketio::test
