#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/managers/ClientManager.h"
#include "socketio/protocol/JsonCodec.h"

namespace socketio::test {

struct ManagedSocket : LocalSocket {
    ManagedSocket(std::string sid, std::string nsp) : _sid(std::move(sid)), _nsp(std::move(nsp)) {}
    const std::string& sid() const override { return _sid; }
    const std::string& nsp() const override { return _nsp; }

private:
    const std::string _sid, _nsp;
};

/// Writes down what a manager asks for.
struct RecordingSink : PacketSink {
    struct Delivery {
        std::string recipients;  // their sids in alphabetical order, "a b c"
        std::string nsp, data;
        bool callback = false;
    };

    void deliver(std::vector<LocalSocketPtr> recipients, const std::string& nsp, const Value& data,
                 const AckCallback& callback) override {
        std::vector<std::string> sids;
        for (const LocalSocketPtr& each : recipients) sids.push_back(each->sid());
        std::sort(sids.begin(), sids.end());
        std::string names;
        for (const std::string& sid : sids) names += (names.empty() ? "" : " ") + sid;
        deliveries.push_back({names, nsp, JsonCodec::encode(data), static_cast<bool>(callback)});
        if (callback) callback({Value(1)});
    }
    void acknowledge(const LocalSocketPtr& socket, std::uint64_t id,
                     Value::Array arguments) override {
        acknowledged += socket->sid() + ":" + std::to_string(id) + ":" +
                        JsonCodec::encode(Value(std::move(arguments))) + ";";
    }
    void runCallback(AckCallback callback, std::optional<Value::Array> arguments) override {
        if (arguments) callback(*arguments);
    }
    void disconnect(const LocalSocketPtr& socket) override { disconnected += socket->sid() + ";"; }

    /// The recipients of everything that was delivered, and forgets it: "a b|c".
    std::string take() {
        std::string all;
        for (const Delivery& each : deliveries) all += (all.empty() ? "" : "|") + each.recipients;
        deliveries.clear();
        return all;
    }

    std::vector<Delivery> deliveries;
    std::string acknowledged, disconnected;
};

/// What every manager has to do for the clients of its own server. A fixture derives from it and
/// says how a manager is made and how it gets rid of messages that are under way.
class ManagerSuite : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ManagerSuite);
    CPPUNIT_TEST(aSocketIsConnectedFromConnectToDisconnect);
    CPPUNIT_TEST(aSocketIsInTheRoomOfItsOwnId);
    CPPUNIT_TEST(theOwnRoomMayBeLeftAndEnteredAgain);
    CPPUNIT_TEST(roomsAreListedInTheOrderOfEntry);
    CPPUNIT_TEST(enteringTwiceCountsOnce);
    CPPUNIT_TEST(nobodyEntersARoomUnconnected);
    CPPUNIT_TEST(whatIsUnknownIsIgnored);
    CPPUNIT_TEST(emitsToTheNamespace);
    CPPUNIT_TEST(emitsToARoom);
    CPPUNIT_TEST(emitsToEachRecipientOnce);
    CPPUNIT_TEST(emitsToNobodyThatIsSkipped);
    CPPUNIT_TEST(emitsToNobodyThatHasLeft);
    CPPUNIT_TEST(anotherSocketMayEnterTheRoomOfASid);
    CPPUNIT_TEST(namespacesAreSeparate);
    CPPUNIT_TEST(aClosedRoomIsEmptyAndItsMembersStay);
    CPPUNIT_TEST(closingTheRoomOfASidHidesIt);
    CPPUNIT_TEST(aSocketBeingDisconnectedKeepsItsRooms);
    CPPUNIT_TEST(disconnectLeavesNothingBehind);
    CPPUNIT_TEST(aSidMayComeBack);
    CPPUNIT_TEST(callbacksAreHandedOn);
    CPPUNIT_TEST(acknowledgementsAreHandedOn);
    CPPUNIT_TEST(disconnectsALocalSocketOnce);
    CPPUNIT_TEST(withoutASinkNothingHappens);
    CPPUNIT_TEST(manySocketsComeAndGo);
    CPPUNIT_TEST(aSocketMayBeInManyRooms);
    CPPUNIT_TEST_SUITE_END_ABSTRACT();

public:
    virtual std::shared_ptr<ClientManager> makeManager() = 0;
    /// Waits until what was emitted has been delivered.
    virtual void settle() {}
    /// False for a manager with a queue: a sid that is not here may be on another server.
    virtual bool isAlone() const { return true; }

    void setUp() override {
        manager = makeManager();
        manager->setSink(&sink);
        manager->initialize();
    }
    void tearDown() override {
        manager->shutdown();
        manager->setSink(nullptr);
    }

    void aSocketIsConnectedFromConnectToDisconnect() {
        CPPUNIT_ASSERT(!manager->isConnected("a", "/"));
        connect("a");
        CPPUNIT_ASSERT(manager->isConnected("a", "/"));
        CPPUNIT_ASSERT(!manager->isConnected("a", "/x"));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), manager->find("a", "/")->sid());
        manager->disconnect("a", "/");
        CPPUNIT_ASSERT(!manager->isConnected("a", "/"));
        CPPUNIT_ASSERT(!manager->find("a", "/"));
    }

    void aSocketIsInTheRoomOfItsOwnId() {
        connect("a");
        connect("b");
        CPPUNIT_ASSERT_EQUAL(std::string("a"), rooms("a"));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), emitTo({"a"}));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), participants("a"));
    }

    void theOwnRoomMayBeLeftAndEnteredAgain() {
        connect("a");
        manager->enterRoom("a", "/", "r");
        manager->leaveRoom("a", "/", "a");
        CPPUNIT_ASSERT_EQUAL(std::string("r"), rooms("a"));
        CPPUNIT_ASSERT_EQUAL(std::string(), emitTo({"a"}));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), emitTo({}));
        manager->leaveRoom("a", "/", "a");
        manager->enterRoom("a", "/", "a");
        manager->enterRoom("a", "/", "a");
        CPPUNIT_ASSERT_EQUAL(std::string("r a"), rooms("a"));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), emitTo({"a"}));
        manager->leaveRoom("a", "/", "a");
        CPPUNIT_ASSERT_EQUAL(std::string("r"), rooms("a"));
    }

    void roomsAreListedInTheOrderOfEntry() {
        connect("a");
        for (const char* room : {"z", "m", "b"}) manager->enterRoom("a", "/", room);
        CPPUNIT_ASSERT_EQUAL(std::string("a z m b"), rooms("a"));
        manager->leaveRoom("a", "/", "m");
        manager->enterRoom("a", "/", "c");
        CPPUNIT_ASSERT_EQUAL(std::string("a z b c"), rooms("a"));
    }

    void enteringTwiceCountsOnce() {
        connect("a");
        manager->enterRoom("a", "/", "r");
        manager->enterRoom("a", "/", "r");
        CPPUNIT_ASSERT_EQUAL(std::string("a r"), rooms("a"));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), emitTo({"r"}));
        manager->leaveRoom("a", "/", "r");
        CPPUNIT_ASSERT_EQUAL(std::string(), emitTo({"r"}));
    }

    void nobodyEntersARoomUnconnected() {
        connect("a");
        if (isAlone()) {
            CPPUNIT_ASSERT_THROW(manager->enterRoom("ghost", "/", "r"), Poco::NotFoundException);
            CPPUNIT_ASSERT_THROW(manager->enterRoom("a", "/x", "r"), Poco::NotFoundException);
        } else {
            manager->enterRoom("ghost", "/", "r");
            manager->enterRoom("a", "/x", "r");
        }
        CPPUNIT_ASSERT_EQUAL(std::string(), participants("r"));
    }

    void whatIsUnknownIsIgnored() {
        connect("a");
        manager->leaveRoom("a", "/", "r");
        manager->leaveRoom("ghost", "/", "r");
        manager->leaveRoom("a", "/x", "r");
        manager->closeRoom("r", "/");
        manager->closeRoom("r", "/x");
        manager->disconnect("ghost", "/");
        manager->disconnect("a", "/x");
        manager->preDisconnect("ghost", "/");
        manager->disconnectSocket("ghost", "/");
        CPPUNIT_ASSERT(manager->getRooms("ghost", "/").empty());
        CPPUNIT_ASSERT(manager->getRooms("a", "/x").empty());
        CPPUNIT_ASSERT_EQUAL(std::string(), emitTo({"r"}));
        CPPUNIT_ASSERT_EQUAL(std::string(), emitTo({""}));
        CPPUNIT_ASSERT_EQUAL(std::string(), emitTo({}, {}, "/x"));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), rooms("a"));
    }

    void emitsToTheNamespace() {
        for (const char* sid : {"a", "b", "c"}) connect(sid);
        manager->emitTo("/", Value::array({"e", 1}), {});
        settle();
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), sink.deliveries.size());
        CPPUNIT_ASSERT_EQUAL(std::string("/"), sink.deliveries[0].nsp);
        CPPUNIT_ASSERT_EQUAL(std::string("[\"e\",1]"), sink.deliveries[0].data);
        CPPUNIT_ASSERT(!sink.deliveries[0].callback);
        CPPUNIT_ASSERT_EQUAL(std::string("a b c"), sink.take());
        CPPUNIT_ASSERT_EQUAL(std::string("a b c"), participants(""));
    }

    void emitsToARoom() {
        for (const char* sid : {"a", "b", "c"}) connect(sid);
        manager->enterRoom("a", "/", "r");
        manager->enterRoom("c", "/", "r");
        CPPUNIT_ASSERT_EQUAL(std::string("a c"), emitTo({"r"}));
        CPPUNIT_ASSERT_EQUAL(std::string("a c"), participants("r"));
        manager->leaveRoom("a", "/", "r");
        CPPUNIT_ASSERT_EQUAL(std::string("c"), emitTo({"r"}));
    }

    void emitsToEachRecipientOnce() {
        for (const char* sid : {"a", "b", "c"}) connect(sid);
        manager->enterRoom("a", "/", "r");
        manager->enterRoom("b", "/", "r");
        manager->enterRoom("b", "/", "s");
        manager->enterRoom("c", "/", "s");
        CPPUNIT_ASSERT_EQUAL(std::string("a b c"), emitTo({"r", "s"}));
        CPPUNIT_ASSERT_EQUAL(std::string("a b"), emitTo({"r", "a", "r"}));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), emitTo({"a", "a"}));
    }

    void emitsToNobodyThatIsSkipped() {
        for (const char* sid : {"a", "b", "c"}) connect(sid);
        manager->enterRoom("a", "/", "r");
        manager->enterRoom("b", "/", "r");
        CPPUNIT_ASSERT_EQUAL(std::string("b c"), emitTo({}, {"a"}));
        CPPUNIT_ASSERT_EQUAL(std::string("c"), emitTo({}, {"a", "b", "ghost"}));
        CPPUNIT_ASSERT_EQUAL(std::string("b"), emitTo({"r"}, {"a"}));
        CPPUNIT_ASSERT_EQUAL(std::string(), emitTo({"a"}, {"a"}));
        CPPUNIT_ASSERT_EQUAL(std::string("a b c"), emitTo({}));  // of this emit only
    }

    void emitsToNobodyThatHasLeft() {
        for (const char* sid : {"a", "b"}) connect(sid);
        manager->enterRoom("a", "/", "r");
        manager->enterRoom("b", "/", "r");
        manager->disconnect("a", "/");
        CPPUNIT_ASSERT_EQUAL(std::string("b"), emitTo({}));
        CPPUNIT_ASSERT_EQUAL(std::string("b"), emitTo({"r"}));
        CPPUNIT_ASSERT_EQUAL(std::string(), emitTo({"a"}));
    }

    void anotherSocketMayEnterTheRoomOfASid() {
        for (const char* sid : {"a", "b", "c"}) connect(sid);
        manager->enterRoom("b", "/", "a");
        CPPUNIT_ASSERT_EQUAL(std::string("a b"), emitTo({"a"}));
        CPPUNIT_ASSERT_EQUAL(std::string("b a"), rooms("b"));
        manager->disconnect("a", "/");
        CPPUNIT_ASSERT_EQUAL(std::string("b"), emitTo({"a"}));
    }

    void namespacesAreSeparate() {
        connect("a");
        connect("b", "/x");
        connect("a", "/x");
        manager->enterRoom("a", "/x", "r");
        CPPUNIT_ASSERT_EQUAL(std::string("a"), emitTo({}));
        CPPUNIT_ASSERT_EQUAL(std::string("a b"), emitTo({}, {}, "/x"));
        CPPUNIT_ASSERT_EQUAL(std::string(), emitTo({"r"}));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), emitTo({"r"}, {}, "/x"));
        std::vector<std::string> names = manager->getNamespaces();
        std::sort(names.begin(), names.end());
        CPPUNIT_ASSERT((names == std::vector<std::string>{"/", "/x"}));
        manager->disconnect("a", "/");
        CPPUNIT_ASSERT((manager->getNamespaces() == std::vector<std::string>{"/x"}));
    }

    void aClosedRoomIsEmptyAndItsMembersStay() {
        for (const char* sid : {"a", "b"}) connect(sid);
        for (const char* sid : {"a", "b"}) manager->enterRoom(sid, "/", "r");
        manager->enterRoom("a", "/", "s");
        manager->closeRoom("r", "/");
        settle();
        CPPUNIT_ASSERT_EQUAL(std::string(), emitTo({"r"}));
        CPPUNIT_ASSERT_EQUAL(std::string("a b"), emitTo({}));
        CPPUNIT_ASSERT_EQUAL(std::string("a s"), rooms("a"));
        CPPUNIT_ASSERT_EQUAL(std::string("b"), rooms("b"));
    }

    void closingTheRoomOfASidHidesIt() {
        for (const char* sid : {"a", "b"}) connect(sid);
        manager->enterRoom("b", "/", "a");
        manager->closeRoom("a", "/");
        settle();
        CPPUNIT_ASSERT_EQUAL(std::string(), emitTo({"a"}));
        CPPUNIT_ASSERT_EQUAL(std::string(), rooms("a"));
        CPPUNIT_ASSERT_EQUAL(std::string("b"), rooms("b"));
        CPPUNIT_ASSERT_EQUAL(std::string("a b"), emitTo({}));
    }

    void aSocketBeingDisconnectedKeepsItsRooms() {
        connect("a");
        manager->enterRoom("a", "/", "r");
        manager->preDisconnect("a", "/");
        CPPUNIT_ASSERT(!manager->isConnected("a", "/"));
        CPPUNIT_ASSERT_EQUAL(std::string("a r"), rooms("a"));
        CPPUNIT_ASSERT(manager->find("a", "/"));
        manager->disconnect("a", "/");
        CPPUNIT_ASSERT_EQUAL(std::string(), rooms("a"));
    }

    void disconnectLeavesNothingBehind() {
        const LocalSocketPtr socket = connect("a");
        manager->enterRoom("a", "/", "r");
        manager->disconnect("a", "/");
        CPPUNIT_ASSERT_EQUAL(1L, socket.use_count());
        CPPUNIT_ASSERT(manager->getNamespaces().empty());
        CPPUNIT_ASSERT(manager->getParticipants("/", "r").empty());
    }

    void aSidMayComeBack() {
        // The ids of protocol 4 are the same after a namespace was left and joined again.
        const LocalSocketPtr first = connect("a");
        manager->enterRoom("a", "/", "r");
        const LocalSocketPtr second = connect("a");
        CPPUNIT_ASSERT(manager->find("a", "/") == second);
        CPPUNIT_ASSERT_EQUAL(std::string("a"), rooms("a"));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), emitTo({}));
        CPPUNIT_ASSERT_EQUAL(1L, first.use_count());
    }

    void callbacksAreHandedOn() {
        connect("a");
        std::string answered;
        manager->emitTo("/", Value::array({"e"}), {.rooms = {"a"}, .skipSids = {}},
                        [&answered](const Value::Array& values) {
                            answered += JsonCodec::encode(Value(values));
                        });
        settle();
        CPPUNIT_ASSERT_EQUAL(std::string("[1]"), answered);
    }

    void acknowledgementsAreHandedOn() {
        const LocalSocketPtr socket = connect("a");
        manager->triggerCallback(socket, 7, {Value("x"), Value(2)});
        CPPUNIT_ASSERT_EQUAL(std::string("a:7:[\"x\",2];"), sink.acknowledged);
    }

    void disconnectsALocalSocketOnce() {
        connect("a");
        manager->disconnectSocket("a", "/");
        settle();
        CPPUNIT_ASSERT_EQUAL(std::string("a;"), sink.disconnected);
        manager->preDisconnect("a", "/");
        manager->disconnectSocket("a", "/");
        settle();
        CPPUNIT_ASSERT_EQUAL(std::string("a;"), sink.disconnected);
    }

    void withoutASinkNothingHappens() {
        const LocalSocketPtr socket = connect("a");
        manager->setSink(nullptr);
        manager->emitTo("/", Value::array({"e"}), {});
        manager->triggerCallback(socket, 1, {});
        manager->disconnectSocket("a", "/");
        settle();
        CPPUNIT_ASSERT(sink.deliveries.empty());
        CPPUNIT_ASSERT(manager->isConnected("a", "/"));
    }

    void aSocketMayBeInManyRooms() {
        constexpr int kRooms = 5'000;
        const auto room = [](int i) { return "room" + std::to_string(i); };
        for (const char* sid : {"one", "two"}) connect(sid);
        for (int i = 0; i < kRooms; ++i)
            for (const char* sid : {"one", "two"}) manager->enterRoom(sid, "/", room(i));
        // From the front, from the back, in the middle, and closed.
        std::vector<std::string> left{"one"};
        for (int i = 0; i < kRooms; ++i) {
            if (i < 100 || i >= kRooms - 100 || i % 3 == 0)
                manager->leaveRoom("one", "/", room(i));
            else if (i % 3 == 1)
                manager->closeRoom(room(i), "/");
            else
                left.push_back(room(i));
        }
        CPPUNIT_ASSERT(left == manager->getRooms("one", "/"));
        manager->leaveRoom("one", "/", "one");
        manager->enterRoom("one", "/", room(0));
        manager->enterRoom("one", "/", "one");
        left.erase(left.begin());
        left.insert(left.end(), {room(0), "one"});
        CPPUNIT_ASSERT(left == manager->getRooms("one", "/"));
        for (int i = 0; i < kRooms; ++i) manager->leaveRoom("one", "/", room(i));
        CPPUNIT_ASSERT(std::vector<std::string>{"one"} == manager->getRooms("one", "/"));
        manager->enterRoom("one", "/", room(2));
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), manager->getParticipants("/", room(2)).size());
        manager->disconnect("two", "/");
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), manager->getParticipants("/", room(2)).size());
        CPPUNIT_ASSERT(manager->getParticipants("/", room(302)).empty());
    }

    void manySocketsComeAndGo() {
        // Against a model: who is in which room after joins, leaves and disconnects in mixed order.
        constexpr int kSockets = 50, kRooms = 7;
        bool in[kSockets][kRooms] = {};
        bool here[kSockets] = {};
        const auto sid = [](int i) { return "s" + std::to_string(100 + i); };
        const auto room = [](int i) { return "room" + std::to_string(i); };
        unsigned random = 12345;
        const auto next = [&random](int limit) {
            random = random * 1103515245u + 12345u;
            return static_cast<int>((random >> 16) % static_cast<unsigned>(limit));
        };
        for (int step = 0; step < 4000; ++step) {
            const int s = next(kSockets), r = next(kRooms);
            switch (next(4)) {
                case 0:
                    if (!here[s]) connect(sid(s));
                    here[s] = true;
                    break;
                case 1:
                    if (here[s]) manager->enterRoom(sid(s), "/", room(r));
                    in[s][r] = here[s];
                    break;
                case 2:
                    manager->leaveRoom(sid(s), "/", room(r));
                    in[s][r] = false;
                    break;
                default:
                    if (next(3) > 0) break;
                    manager->disconnect(sid(s), "/");
                    here[s] = false;
                    std::fill(std::begin(in[s]), std::end(in[s]), false);
            }
            if (step % 100 > 0) continue;
            for (int each = 0; each < kRooms; ++each) {
                std::string expected;
                for (int member = 0; member < kSockets; ++member)
                    if (in[member][each]) expected += (expected.empty() ? "" : " ") + sid(member);
                CPPUNIT_ASSERT_EQUAL(expected, participants(room(each)));
            }
        }
    }

protected:
    LocalSocketPtr connect(const std::string& sid, const std::string& nsp = "/") {
        LocalSocketPtr socket = std::make_shared<ManagedSocket>(sid, nsp);
        manager->connect(socket);
        return socket;
    }
    std::string rooms(const std::string& sid, const std::string& nsp = "/") {
        std::string names;
        for (const std::string& room : manager->getRooms(sid, nsp))
            names += (names.empty() ? "" : " ") + room;
        return names;
    }
    std::string participants(const std::string& room, const std::string& nsp = "/") {
        std::vector<std::string> sids;
        for (const LocalSocketPtr& each : manager->getParticipants(nsp, room))
            sids.push_back(each->sid());
        std::sort(sids.begin(), sids.end());
        std::string names;
        for (const std::string& sid : sids) names += (names.empty() ? "" : " ") + sid;
        return names;
    }
    std::string emitTo(std::vector<std::string> to, std::vector<std::string> skip = {},
                       const std::string& nsp = "/") {
        manager->emitTo(nsp, Value::array({"e"}), {std::move(to), std::move(skip)});
        settle();
        return sink.take();
    }

    RecordingSink sink;
    std::shared_ptr<ClientManager> manager;
};

}  // namespace socketio::test
