// The two directions of a connection end each for itself.
#include <cerrno>
#include <functional>
#include <future>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/socket.h>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/FileDescriptor.h"
#include "socketio/base/Mutex.h"
#include "socketio/net/Hub.h"
#include "socketio/net/LoopContext.h"

#include "support/Waiting.h"

namespace socketio {

using namespace std::chrono_literals;
using test::eventually;

namespace {

/// Keeps what comes, and tells what happened.
class Recorder final : public ConnectionProtocol {
public:
    explicit Recorder(bool wantsInput) : _wantsInput(wantsInput) {}

    void onOpen(Connection& opened) override { connection = &opened; }
    std::size_t onInput(char* bytes, std::size_t size) override {
        MutexLock lock(_mutex);
        _events.append(bytes, size);
        return size;
    }
    void onEnd() override { put("[end]"); }
    bool onOutputLost() override {
        put("[lost]");
        return _wantsInput;
    }
    void onClosed(const char* detail) override {
        connection = nullptr;
        put(std::string("[closed: ") + detail + "]");
    }

    std::string events() const {
        MutexLock lock(_mutex);
        return _events;
    }

    Connection* connection = nullptr;  // on the loop

private:
    void put(const std::string& event) {
        MutexLock lock(_mutex);
        _events += event;
    }

    const bool _wantsInput;
    mutable Mutex _mutex;
    std::string _events SOCKETIO_GUARDED_BY(_mutex);
};

}  // namespace

class ConnectionEndTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConnectionEndTest);
    CPPUNIT_TEST(endsItsOutputBehindWhatIsQueuedAndReadsOn);
    CPPUNIT_TEST(stopsItsInputBehindWhatWasSent);
    CPPUNIT_TEST(readsWhatALostPeerHasSentWhenThatIsWanted);
    CPPUNIT_TEST(closesAtOnceWhenTheInputOfALostPeerIsNotWanted);
    CPPUNIT_TEST(bothEndsCloseWhenTheLastIsPassed);
    CPPUNIT_TEST_SUITE_END();

public:
    void endsItsOutputBehindWhatIsQueuedAndReadsOn() {
        open(false);
        const std::string large(1'000'000, 'L');  // more than the kernel takes at once
        onLoop([&](Connection& connection) {
            connection.send(large);
            connection.endOutput();
            connection.endOutput();  // once is enough
            connection.send("dropped");
        });
        CPPUNIT_ASSERT(readToEnd() == large);
        send("still heard");
        expect("still heard");
        onLoop([](Connection& connection) {
            connection.send("dropped, too");
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), connection.queuedBytes());
        });
        peer = FileDescriptor();  // both directions have ended: there is no connection any more
        expect("still heard[end][closed: connection lost]");
    }

    void stopsItsInputBehindWhatWasSent() {
        open(false);
        onLoop([](Connection& connection) { connection.pauseReading(true); });
        const std::string before(100'000, 'b');
        send(before);
        onLoop([](Connection& connection) { connection.stopInput(); });
        CPPUNIT_ASSERT_EQUAL(ssize_t(-1), ::send(peer.get(), "late", 4, MSG_NOSIGNAL));
        CPPUNIT_ASSERT_EQUAL(EPIPE, errno);
        onLoop([](Connection& connection) { connection.pauseReading(false); });
        expect(before + "[end]");
        onLoop([](Connection& connection) {
            connection.send("answered all the same");
            connection.closeAfterFlush();
        });
        CPPUNIT_ASSERT_EQUAL(std::string("answered all the same"), readToEnd());
    }

    // Noticed by a send that fails, or by the hang-up of who has closed.
    void readsWhatALostPeerHasSentWhenThatIsWanted() {
        for (const bool closes : {false, true}) {
            open(true);
            onLoop([](Connection& connection) { connection.pauseReading(true); });
            const std::string last(100'000, 'l');
            send(last);
            if (closes)
                peer = FileDescriptor();
            else
                ::shutdown(peer.get(), SHUT_RD);
            // Whatever was paused is read now, and nothing is kept that nobody takes.
            if (!closes)
                onLoop([](Connection& connection) {
                    connection.send(std::string(500'000, 'x'));
                    connection.send(std::string(500'000, 'y'));
                });
            if (!closes) {
                CPPUNIT_ASSERT(eventually([&] {
                    bool given = false;
                    onLoop([&](Connection& connection) {
                        given = connection.queuedBytes() == 0 && !connection.readingPaused();
                    });
                    return given;
                }));
                onLoop([](Connection& connection) {
                    connection.send("dropped");
                    CPPUNIT_ASSERT_EQUAL(std::size_t(0), connection.queuedBytes());
                });
                send(" and more");
                ::shutdown(peer.get(), SHUT_WR);
            }
            expect("[lost]" + last + (closes ? "" : " and more") +
                   "[end][closed: connection lost]");
        }
    }

    void closesAtOnceWhenTheInputOfALostPeerIsNotWanted() {
        open(false);
        onLoop([](Connection& connection) { connection.pauseReading(true); });
        send("never read");
        ::shutdown(peer.get(), SHUT_RD);
        onLoop([](Connection& connection) { connection.send("x"); });
        expect("[lost][closed: write failed]");
        open(false);
        onLoop([](Connection& connection) { connection.pauseReading(true); });
        send("never read");
        peer = FileDescriptor();
        expect("[lost][closed: connection lost]");
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), hub->connectionCount());
    }

    void bothEndsCloseWhenTheLastIsPassed() {
        open(false);
        ::shutdown(peer.get(), SHUT_WR);
        expect("[end]");
        onLoop([](Connection& connection) {
            connection.send("goodbye");
            connection.closeAfterFlush();
            connection.endOutput();  // nothing is left of it to end
            connection.stopInput();
        });
        CPPUNIT_ASSERT_EQUAL(std::string("goodbye"), readToEnd());
        expect("[end][closed: closed]");
    }

    void tearDown() override { hub.reset(); }

private:
    /// A connection on the loop of a hub; the test has the other end, `peer`.
    void open(bool wantsInput) {
        hub.reset();
        HubOptions options;
        options.ioThreads = 1;
        hub = std::make_unique<Hub>(options);
        hub->start();
        int ends[2];
        CPPUNIT_ASSERT_EQUAL(
            0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
        peer = FileDescriptor(ends[0]);
        recorder = std::make_shared<Recorder>(wantsInput);
        hub->post(0, [this, descriptor = ends[1]] {
            LoopContext::current()->add(FileDescriptor(descriptor), {}, recorder);
        });
        test::barrier(*hub);
    }

    void onLoop(const std::function<void(Connection&)>& task) {
        std::promise<void> ran;
        hub->post(0, [&] {
            try {
                CPPUNIT_ASSERT(recorder->connection);
                task(*recorder->connection);
                ran.set_value();
            } catch (...) {
                ran.set_exception(std::current_exception());
            }
        });
        ran.get_future().get();
    }

    void expect(const std::string& events) {
        if (eventually([&] { return recorder->events() == events; })) return;
        const std::string all = recorder->events();
        const std::size_t tail = all.size() > 200 ? all.size() - 200 : 0;
        CPPUNIT_FAIL(std::to_string(all.size()) + " bytes, to the end: " + all.substr(tail));
    }

    void send(std::string_view bytes) {
        CPPUNIT_ASSERT_EQUAL(static_cast<ssize_t>(bytes.size()),
                             ::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
    }

    std::string readToEnd() {
        std::string all;
        for (;;) {
            pollfd entry{peer.get(), POLLIN, 0};
            CPPUNIT_ASSERT_EQUAL(1, ::poll(&entry, 1, 10'000));
            char buffer[65'536];
            const ssize_t got = ::recv(peer.get(), buffer, sizeof buffer, 0);
            CPPUNIT_ASSERT(got >= 0);
            if (got == 0) return all;
            all.append(buffer, static_cast<std::size_t>(got));
        }
    }

    std::unique_ptr<Hub> hub;
    std::shared_ptr<Recorder> recorder;
    FileDescriptor peer;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ConnectionEndTest);

}  // namespace socketio
