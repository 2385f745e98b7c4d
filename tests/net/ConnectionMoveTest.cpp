#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <Poco/Net/SocketAddress.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Mutex.h"
#include "socketio/net/Hub.h"
#include "socketio/net/LoopContext.h"

#include "Lines.h"
#include "support/RawClient.h"
#include "support/Waiting.h"

namespace socketio {

using namespace std::chrono_literals;
using test::RawClient;

namespace {

/// What the protocols of a test say, in the order in which it happened.
class Events {
public:
    void put(std::string event) {
        MutexLock lock(_mutex);
        _all.push_back(std::move(event));
        _changed.notifyAll();
    }
    bool waitFor(const std::string& event, std::ptrdiff_t times = 1) {
        const auto end = std::chrono::steady_clock::now() + 10s;
        MutexLock lock(_mutex);
        while (std::count(_all.begin(), _all.end(), event) < times)
            if (!_changed.waitUntil(_mutex, end)) return false;
        return true;
    }
    std::ptrdiff_t count(const std::string& event) {
        MutexLock lock(_mutex);
        return std::count(_all.begin(), _all.end(), event);
    }

private:
    Mutex _mutex;
    Condition _changed;
    std::vector<std::string> _all SOCKETIO_GUARDED_BY(_mutex);
};

/// Sends every line back with the loop's number in front. "move\n" hands the connection to another
/// of the kind on the other loop, "later\n" does so when all that came has been looked at.
class MovingProtocol final : public ConnectionProtocol,
                             public std::enable_shared_from_this<MovingProtocol> {
public:
    MovingProtocol(Hub& hub, Events& events, std::string name)
        : _hub(hub), _events(events), _name(std::move(name)) {}

    void onOpen(Connection& connection) override {
        _connection = &connection;
        _loop = _hub.currentLoop();
        _events.put(_name + " opened");
    }
    std::size_t onInput(char* bytes, std::size_t size) override {
        if (_hub.currentLoop() != _loop) _events.put("wrong loop");
        std::size_t used = 0;
        for (std::string line; test::takeLine(bytes, size, used, line);) {
            _connection->send(std::to_string(_loop) + line);
            if (line == "move\n") {
                move(std::string_view(bytes + used, size - used));
                return used;
            }
            if (line == "later\n") {
                _hub.post(_loop, [self = shared_from_this()] {
                    if (self->_connection) self->move({});
                });
                return used;
            }
            if (line == "abort\n") {
                _connection->abort("told so");
                return used;
            }
            if (line == "abort and move\n") {
                _connection->abort("told so");
                move({});
                return used;
            }
        }
        return used;
    }
    void onEnd() override {
        _events.put(_name + " ended");
        _connection->closeAfterFlush();
    }
    void onClosed(const char* detail) override {
        if (_hub.currentLoop() != _loop) _events.put("wrong loop");
        _connection = nullptr;
        _events.put(_name + " closed: " + detail);
    }

private:
    void move(std::optional<std::string_view> unused) {
        const auto to = 1 - _loop;
        auto next = std::make_shared<MovingProtocol>(_hub, _events, _name + "'");
        if (_connection->moveTo(to, next, unused)) {
            _connection = nullptr;
            // What is posted now finds the connection open.
            _hub.post(to, [next, &events = _events] {
                if (next->_loop == Executor::kNoLoop) events.put("too early");
            });
        } else {
            _events.put("refused");
        }
    }

    Hub& _hub;
    Events& _events;
    const std::string _name;
    Connection* _connection = nullptr;
    Executor::LoopId _loop = Executor::kNoLoop;
};

}  // namespace

/// Connections that go from one loop to another.
class ConnectionMoveTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConnectionMoveTest);
    CPPUNIT_TEST(takesInputAndOutputAlong);
    CPPUNIT_TEST(takesInputAlongHoweverItIsCut);
    CPPUNIT_TEST(movesFromOutsideOfItsInput);
    CPPUNIT_TEST(goesToAndFro);
    CPPUNIT_TEST(theEndOfThePeerIsNoticedThere);
    CPPUNIT_TEST(isClosedThereAlone);
    CPPUNIT_TEST(oneThatIsClosingStays);
    CPPUNIT_TEST(manyMoveWhileTheHubStops);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        HubOptions options;
        options.ioThreads = 2;
        hub = std::make_unique<Hub>(options);
        hub->start();
        port = hub->listen(Poco::Net::SocketAddress("127.0.0.1", 0), {},
                           [this] { return std::make_shared<MovingProtocol>(*hub, events, "a"); })
                   .address.port();
    }
    void tearDown() override {
        hub.reset();
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t(0), events.count("wrong loop"));
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t(0), events.count("too early"));
    }

    void takesInputAndOutputAlong() {
        RawClient client(port);  // the first goes to loop 0
        client.send("one\nmove\ntwo\nthr");
        CPPUNIT_ASSERT_EQUAL(std::string("0one\n0move\n1two\n"), client.readExactly(16));
        client.send("ee\n");
        CPPUNIT_ASSERT_EQUAL(std::string("1three\n"), client.readExactly(7));
        CPPUNIT_ASSERT(test::eventually([&] { return hub->connectionCount() == 1; }));
    }

    void takesInputAlongHoweverItIsCut() {
        RawClient client(port);
        client.sendInPieces("one\nmove\ntwo\nthree\n", 1);
        CPPUNIT_ASSERT_EQUAL(std::string("0one\n0move\n1two\n1three\n"), client.readExactly(23));
    }

    void movesFromOutsideOfItsInput() {
        RawClient client(port);
        client.send("later\ntwo\nthr");
        std::string expected = "0later\n";
        CPPUNIT_ASSERT_EQUAL(expected, client.readExactly(expected.size()));
        client.send("ee\n");
        // The second line may have been looked at before.
        const std::string rest = client.readExactly(12);
        CPPUNIT_ASSERT_EQUAL(std::string("two\n"), rest.substr(1, 4));
        CPPUNIT_ASSERT_EQUAL(std::string("1three\n"), rest.substr(5));
    }

    void goesToAndFro() {
        RawClient client(port);
        std::string sent, expected;
        for (int i = 0; i < 200; ++i) {
            sent += "move\nx\n";
            const std::string before = std::to_string(i % 2), after = std::to_string(1 - i % 2);
            expected += before + "move\n" + after + "x\n";
        }
        client.send(sent);
        CPPUNIT_ASSERT_EQUAL(expected, client.readExactly(expected.size()));
        CPPUNIT_ASSERT(test::eventually([&] { return hub->connectionCount() == 1; }));
    }

    void theEndOfThePeerIsNoticedThere() {
        RawClient client(port);
        client.send("move\n");
        client.shutdownWrite();
        CPPUNIT_ASSERT(events.waitFor("a' ended"));
        CPPUNIT_ASSERT_EQUAL(std::string("0move\n"), client.readToEnd());
        client.close();
        CPPUNIT_ASSERT(events.waitFor("a' closed: closed"));
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t(0), events.count("a closed: closed"));
    }

    void isClosedThereAlone() {
        RawClient client(port);
        client.send("move\nabort\n");
        CPPUNIT_ASSERT(events.waitFor("a' closed: told so"));
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t(0), events.count("a closed: told so"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), hub->counters().accepted.load());
    }

    void oneThatIsClosingStays() {
        RawClient client(port);
        client.send("abort and move\n");
        CPPUNIT_ASSERT(events.waitFor("a closed: told so"));
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t(1), events.count("refused"));
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t(0), events.count("a' opened"));
    }

    void manyMoveWhileTheHubStops() {
        std::vector<RawClient> clients;
        for (int i = 0; i < 50; ++i) clients.emplace_back(port);
        for (RawClient& client : clients) client.send("x\n");
        for (RawClient& client : clients) client.readExactly(3);
        std::string moves;
        for (int i = 0; i < 200; ++i) moves += "move\n";
        for (RawClient& client : clients) client.send(moves);
        CPPUNIT_ASSERT(hub->stop(std::chrono::steady_clock::now() + 10s));
        for (RawClient& client : clients) CPPUNIT_ASSERT(client.closedWithin(10s));
    }

private:
    Events events;
    std::unique_ptr<Hub> hub;
    std::uint16_t port = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConnectionMoveTest);

}  // namespace socketio
