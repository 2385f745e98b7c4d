#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <Poco/Exception.h>

#include "ServerFixture.h"

namespace socketio {

using namespace test;

/// What the callbacks of acknowledgements hold belongs to the application.
class CallbacksTest : public ServerFixture {
    CPPUNIT_TEST_SUITE(CallbacksTest);
    CPPUNIT_TEST(areDestroyedOffTheLoopWhenTheClientGoes);
    CPPUNIT_TEST(areDestroyedOffTheLoopWhenTheyExpire);
    CPPUNIT_TEST(areDestroyedOffTheLoopWhenTheClientIsRefused);
    CPPUNIT_TEST(areDestroyedOffTheLoopWhenTheyWereCalled);
    CPPUNIT_TEST(aBroadcastIsEncodedOnce);
    CPPUNIT_TEST(theIdsOfABroadcastDiffer);
    CPPUNIT_TEST(dataWithoutAWireFormLeavesNothingBehind);
    CPPUNIT_TEST_SUITE_END();

public:
    void areDestroyedOffTheLoopWhenTheClientGoes() {
        Peer& peer = joined();
        emitWitness();
        peer.hangUp();
        assertDestroyedOnAWorker();
    }

    void areDestroyedOffTheLoopWhenTheyExpire() {
        joined();
        emitWitness();
        executor->advance(std::chrono::seconds(61));
        assertDestroyedOnAWorker();
    }

    void areDestroyedOffTheLoopWhenTheClientIsRefused() {
        server->on("connect", [this](Socket& socket) {
            socket.emit("question", {}, witness());
            return false;
        });
        Peer& peer = open();
        peer.say("0");
        assertDestroyedOnAWorker();
    }

    void areDestroyedOffTheLoopWhenTheyWereCalled() {
        Peer& peer = joined();
        emitWitness();
        peer.say("31[]");
        assertDestroyedOnAWorker();
    }

    void aBroadcastIsEncodedOnce() {
        struct CountingJson : JsonInterface {
            std::string dumps(const Value& value) const override {
                ++dumped;
                return JsonCodec::encode(value);
            }
            Value loads(std::string_view text) const override {
                auto value = JsonCodec::decode(text);
                if (!value) throw Poco::DataFormatException(value.error().detail);
                return *value;
            }
            mutable int dumped = 0;
        };
        const auto json = std::make_shared<CountingJson>();
        ServerOptions options;
        options.json = json;
        make(std::move(options), 2);
        Peer &first = joined(), &second = joined(1), &third = joined(1);
        json->dumped = 0;
        server->emit("question", "why",
                     {.callback = [this](const std::string& answer) { trace += answer + ";"; }});
        executor->run();
        CPPUNIT_ASSERT_EQUAL(1, json->dumped);
        for (Peer* peer : {&first, &second, &third})
            ASSERT_HEARD("21[\"question\",\"why\"]", *peer);
        second.say("31[\"b\"]");
        first.say("31[\"a\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("b;a;"), trace);
    }

    void theIdsOfABroadcastDiffer() {
        server->on(
            "connect", [](Socket&) {}, "/chat");
        Peer& first = joined();
        first.join("/chat");
        server->emit("once", {}, {.nsp = "/chat", .callback = [](const Value::Array&) {}});
        executor->run();
        ASSERT_HEARD("2/chat,1[\"once\"]", first);
        Peer& second = joined();
        second.join("/chat");
        // With attachments, whose number stands in front of the namespace and the id.
        server->emit("twice", Binary("xy"),
                     {.nsp = "/chat", .callback = [](const Value::Array&) {}});
        executor->run();
        ASSERT_HEARD("51-/chat,2[\"twice\",{\"_placeholder\":true,\"num\":0}] <xy>", first);
        ASSERT_HEARD("51-/chat,1[\"twice\",{\"_placeholder\":true,\"num\":0}] <xy>", second);
    }

    void dataWithoutAWireFormLeavesNothingBehind() {
        Peer& peer = joined();
        joined();
        const double notANumber = std::numeric_limits<double>::quiet_NaN();
        CPPUNIT_ASSERT_THROW(server->emit("x", notANumber, {.callback = witness()}),
                             Poco::InvalidArgumentException);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), destroyedOn.size());
        server->emit("y", {}, {.callback = [](const Value::Array&) {}});
        executor->run();
        ASSERT_HEARD("21[\"y\"]", peer);
    }

private:
    // Tells where it is destroyed.
    struct Witness {
        explicit Witness(CallbacksTest& owner) : test(owner) {}
        ~Witness() { test.destroyedOn.push_back(test.executor->currentLoop()); }
        CallbacksTest& test;
    };

    Callback witness() {
        return [held = std::make_shared<Witness>(*this)](const Value::Array&) {};
    }
    void emitWitness() {
        destroyedOn.clear();
        server->emit("question", {}, {.callback = witness()});
        executor->run();
        CPPUNIT_ASSERT(destroyedOn.empty());
    }
    void assertDestroyedOnAWorker() {
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), destroyedOn.size());
        CPPUNIT_ASSERT_EQUAL(Executor::LoopId(Executor::kNoLoop), destroyedOn[0]);
    }

    std::vector<Executor::LoopId> destroyedOn;
};

CPPUNIT_TEST_SUITE_REGISTRATION(CallbacksTest);

}  // namespace socketio
