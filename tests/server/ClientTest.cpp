// The rules of the Socket.IO protocol for one session: connect, refuse, events, disconnect.
#include <algorithm>
#include <tuple>

#include <Poco/Exception.h>

#include "socketio/protocol/JsonCodec.h"

#include "ServerFixture.h"

namespace socketio {

using test::Peer;

class ClientTest : public test::ServerFixture {
    CPPUNIT_TEST_SUITE(ClientTest);
    CPPUNIT_TEST(answersAConnectWithAFreshSocketId);
    CPPUNIT_TEST(aClientOfEngineIo3IsInTheMainNamespaceFromTheStart);
    CPPUNIT_TEST(socketIdsOfEngineIo3AreWhatItsClientsCompute);
    CPPUNIT_TEST(whatIsSentInTheConnectHandlerComesAfterTheAnswer);
    CPPUNIT_TEST(eventsThatArriveWhileConnectingAreHandledAfterwards);
    CPPUNIT_TEST(whatWaitsForTheConnectAnswerIsLimited);
    CPPUNIT_TEST(everyFormOfRefusalInBothProtocols);
    CPPUNIT_TEST(aRefusedClientGetsNothingAndIsNowhere);
    CPPUNIT_TEST(aRefusalWithoutAWireFormIsSentPlain);
    CPPUNIT_TEST(aRefusedClientMayTryAgain);
    CPPUNIT_TEST(namespacesThatMayBeJoined);
    CPPUNIT_TEST(theListMayAllowEveryNamespace);
    CPPUNIT_TEST(authIsGivenToTheConnectHandler);
    CPPUNIT_TEST(aSecondConnectClosesTheSession);
    CPPUNIT_TEST(packetsForANamespaceNeverJoinedCloseTheSession);
    CPPUNIT_TEST(attachmentsForANamespaceNeverJoinedAreNotWaitedFor);
    CPPUNIT_TEST(halfAPacketIsNotKeptForEver);
    CPPUNIT_TEST(theTimeOfAConnectHandlerIsNotTheClients);
    CPPUNIT_TEST(aSocketThatHasGoneLeavesItsSuccessorAlone);
    CPPUNIT_TEST(dataIsCountedAsLargeAsItIsInMemory);
    CPPUNIT_TEST(whatPeersDoWrongIsCountedAndLogged);
    CPPUNIT_TEST(whenTooMuchWaitsInAllThoseWithMuchAreNotRead);
    CPPUNIT_TEST(packetsForANamespaceJustLeftAreIgnored);
    CPPUNIT_TEST(badBytesCloseTheSession);
    CPPUNIT_TEST(reservedNamesNeverReachAHandler);
    CPPUNIT_TEST(aClientThatJoinsNothingIsClosed);
    CPPUNIT_TEST(aClientThatWasRefusedOnlyIsClosed);
    CPPUNIT_TEST(namespacesPerClientAreLimited);
    CPPUNIT_TEST(theClientLeavesANamespace);
    CPPUNIT_TEST(aNamespaceMayBeJoinedAgain);
    CPPUNIT_TEST(theServerDisconnectsASocket);
    CPPUNIT_TEST(disconnectInTheConnectHandlerComesAfterTheAnswer);
    CPPUNIT_TEST(disconnectWithCloseEndsTheSession);
    CPPUNIT_TEST(disconnectInsideAnEventHandlerEndsItsEvents);
    CPPUNIT_TEST(reasonsAreTheOfficialOnes);
    CPPUNIT_TEST(eventsBeforeACloseAreHandledFirst);
    CPPUNIT_TEST(aCloseDuringTheConnectHandlerIsHeardOnce);
    CPPUNIT_TEST(aCloseBeforeTheConnectHandlerCallsNothing);
    CPPUNIT_TEST(roomsLastUntilTheDisconnectHandlerHasRun);
    CPPUNIT_TEST(aFailingDisconnectHandlerLeavesNothingBehind);
    CPPUNIT_TEST(handlersOfOneClientRunInOrder);
    CPPUNIT_TEST(asyncHandlersRunApart);
    CPPUNIT_TEST(asyncHandlersRunInPlaceWhenThereIsNoWorker);
    CPPUNIT_TEST(eventsOfAsyncHandlersCountUntilTheyHaveEnded);
    CPPUNIT_TEST(eventsAreNamedForTheWatchdog);
    CPPUNIT_TEST(aNumberMayBeTheNameOfAnEvent);
    CPPUNIT_TEST(readingStopsWhenTooMuchWaits);
    CPPUNIT_TEST(readingStopsWhenTooManyBytesWait);
    CPPUNIT_TEST(environsMayBeDropped);
    CPPUNIT_TEST(connectionsAreLogged);
    CPPUNIT_TEST_SUITE_END();

public:
    void answersAConnectWithAFreshSocketId() {
        server->on("connect", [&](Socket& socket) { trace += socket.nsp() + ";"; });
        server->on(
            "connect", [&](Socket& socket) { trace += socket.nsp() + ";"; }, "/chat");
        Peer& peer = open();
        ASSERT_HEARD("", peer);
        peer.join();
        const std::string first = peer.sid;
        peer.join("/chat");
        CPPUNIT_ASSERT_EQUAL(std::string("/;/chat;"), trace);
        CPPUNIT_ASSERT_EQUAL(std::size_t(20), first.size());
        CPPUNIT_ASSERT(first != peer.sid);
        CPPUNIT_ASSERT(first != peer.session->sid());
        CPPUNIT_ASSERT(server->manager().isConnected(first, "/"));
        CPPUNIT_ASSERT(server->manager().isConnected(peer.sid, "/chat"));
    }

    void aClientOfEngineIo3IsInTheMainNamespaceFromTheStart() {
        server->on("connect", [&](Socket& socket, const Environ& environ, const Value& auth) {
            trace += std::to_string(socket.protocol()) + environ.queryParameter("color") +
                     JsonCodec::encode(auth);
        });
        Peer& peer = open(EngineRevision::V3);
        ASSERT_HEARD("0", peer);
        CPPUNIT_ASSERT_EQUAL(std::string("4rednull"), trace);
        CPPUNIT_ASSERT(server->manager().isConnected(peer.session->sid(), "/"));
    }

    void socketIdsOfEngineIo3AreWhatItsClientsCompute() {
        server->on(
            "connect", [](Socket&) {}, "/chat");
        Peer& peer = joinedV3();
        peer.say("0/chat");
        ASSERT_HEARD("0/chat,", peer);
        CPPUNIT_ASSERT(server->manager().isConnected("/chat#" + peer.session->sid(), "/chat"));
    }

    void whatIsSentInTheConnectHandlerComesAfterTheAnswer() {
        server->on("connect", [&](Socket& socket) {
            socket.emit("one");
            server->emit("all");
            socket.emit("two");
        });
        server->on("e", [](Socket& socket) { socket.emit("three"); });
        Peer& peer = open();
        peer.write("0");
        peer.write("2[\"e\"]");
        executor->run();
        ASSERT_HEARD("0{\"sid\":\"SID\"} 2[\"one\"] 2[\"all\"] 2[\"two\"] 2[\"three\"]", peer);
    }

    void eventsThatArriveWhileConnectingAreHandledAfterwards() {
        server->on("connect", [&](Socket&) { trace += "connect;"; });
        server->on("e", [&](Socket&, int n) {
            trace += std::to_string(n) + ";";
            return n;
        });
        Peer& peer = open();
        peer.write("0");
        peer.write("21[\"e\",1]");
        peer.write("22[\"e\",2]");
        CPPUNIT_ASSERT_EQUAL(std::string(), trace);
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("connect;1;2;"), trace);
        ASSERT_HEARD("0{\"sid\":\"SID\"} 31[1] 32[2]", peer);
    }

    void whatWaitsForTheConnectAnswerIsLimited() {
        ServerOptions options;
        options.maxOutboundBytes = 10'000;
        make(options);
        server->on("connect", [](Socket& socket) {
            for (int i = 0; i < 12; ++i) socket.emit("e", std::string(1000, 'x'));
        });
        server->on("disconnect",
                   [&](Socket&, DisconnectReason reason) { trace += toString(reason); });
        Peer& peer = open();
        peer.say("0");
        ASSERT_HEARD("", peer);
        CPPUNIT_ASSERT_EQUAL(std::string("outbound limit"), peer.session->closeDetail);
        CPPUNIT_ASSERT_EQUAL(std::string("transport error"), trace);
        CPPUNIT_ASSERT(server->manager().getNamespaces().empty());
    }

    void everyFormOfRefusalInBothProtocols() {
        server->on(
            "connect", [](Socket&) { return false; }, "/false");
        server->on(
            "connect", [](Socket&) -> Value { return false; }, "/value");
        server->on(
            "connect", [](Socket&) { throw ConnectionRefused(); }, "/plain");
        server->on(
            "connect", [](Socket&) { throw ConnectionRefused("no"); }, "/message");
        server->on(
            "connect",
            [](Socket&) {
                throw ConnectionRefused("no", Value{{"code", 7}});
            },
            "/data");
        server->on(
            "connect", [](Socket&) { throw ConnectionRefused("no", nullptr); }, "/null");
        server->on(
            "connect", [](Socket&) { throw std::runtime_error("secret"); }, "/throws");
        server->on(
            "connect", [](Socket&) { throw 42; }, "/throws42");
        server->on(
            "connect", [](Socket&, int) {}, "/typed");
        struct Case {
            const char *nsp, *protocol5, *protocol4;
        };
        const Case cases[] = {
            {"/false", "{\"message\":\"Connection rejected by server\"}",
             "\"Connection rejected by server\""},
            {"/value", "{\"message\":\"Connection rejected by server\"}",
             "\"Connection rejected by server\""},
            {"/plain", "{\"message\":\"Connection rejected by server\"}",
             "\"Connection rejected by server\""},
            {"/message", "{\"message\":\"no\"}", "\"no\""},
            {"/data", "{\"message\":\"no\",\"data\":{\"code\":7}}", "{\"code\":7}"},
            {"/null", "{\"message\":\"no\",\"data\":null}", "null"},
            {"/throws", "{\"message\":\"Internal error\"}", "\"Internal error\""},
            {"/throws42", "{\"message\":\"Internal error\"}", "\"Internal error\""},
            {"/typed", "{\"message\":\"Invalid authentication data\"}",
             "\"Invalid authentication data\""},
            {"/unknown", "{\"message\":\"Invalid namespace\"}",
             "{\"message\":\"Invalid namespace\"}"},
            {"/*", "{\"message\":\"Invalid namespace\"}", "{\"message\":\"Invalid namespace\"}"},
        };
        Peer& five = open();
        Peer& four = joinedV3();
        for (const Case& c : cases) {
            five.say("0" + std::string(c.nsp) + ",{\"a\":1}");
            CPPUNIT_ASSERT_EQUAL("4" + std::string(c.nsp) + "," + c.protocol5, five.heard());
            four.say("0" + std::string(c.nsp) + "?a=1,");
            CPPUNIT_ASSERT_EQUAL("4" + std::string(c.nsp) + "," + c.protocol4, four.heard());
            CPPUNIT_ASSERT(five.open() && four.open());
        }
        CPPUNIT_ASSERT(logged("error: the handler of the event \"connect\" failed: secret"));

        server->on("connect", [](Socket&) { throw ConnectionRefused("main"); });
        five.say("0");
        ASSERT_HEARD("4{\"message\":\"main\"}", five);
        Peer& again = open(EngineRevision::V3);
        ASSERT_HEARD("4\"main\"", again);
        CPPUNIT_ASSERT(again.open());
    }

    void aRefusedClientGetsNothingAndIsNowhere() {
        server->on("connect", [&](Socket& socket) {
            socket.emit("held");
            socket.join("room");
            trace += socket.sid();
            return false;
        });
        server->on("disconnect", [&](Socket&) { trace += "disconnect"; });
        server->on("e", [&](Socket&) { trace += "event"; });
        Peer& peer = open();
        peer.write("0");
        peer.write("21[\"e\"]");
        executor->run();
        ASSERT_HEARD("4{\"message\":\"Connection rejected by server\"}", peer);
        peer.say("2[\"e\"]");  // sent before the refusal was read
        server->emit("all");
        executor->run();
        ASSERT_HEARD("", peer);
        CPPUNIT_ASSERT(peer.open());
        CPPUNIT_ASSERT_EQUAL(std::size_t(20), trace.size());
        CPPUNIT_ASSERT(server->rooms(trace).empty());
        CPPUNIT_ASSERT(server->manager().getNamespaces().empty());
        peer.hangUp();
        CPPUNIT_ASSERT_EQUAL(std::size_t(20), trace.size());
    }

    void aRefusalWithoutAWireFormIsSentPlain() {
        server->on("connect", [](Socket&) {
            throw ConnectionRefused("no", std::numeric_limits<double>::infinity());
        });
        Peer& peer = open();
        peer.say("0");
        ASSERT_HEARD("4{\"message\":\"Connection rejected by server\"}", peer);
        CPPUNIT_ASSERT(logged("error: "));
    }

    void aRefusedClientMayTryAgain() {
        server->on("connect", [](Socket&, const Value& auth) { return auth["key"] == 1; });
        Peer& peer = open();
        peer.say("0{\"key\":2}");
        ASSERT_HEARD("4{\"message\":\"Connection rejected by server\"}", peer);
        peer.say("0{\"key\":1}");
        ASSERT_HEARD("0{\"sid\":\"SID\"}", peer);
    }

    void namespacesThatMayBeJoined() {
        ServerOptions options;
        options.namespaces = {"/listed", "bare"};
        make(options);
        server->on(
            "e", [](Socket&) {}, "/handler");
        server->registerNamespace(std::make_shared<Namespace>("/object"));
        server->on(
            "*", [](Socket&) {}, "*");
        Peer& peer = open();
        for (const char* nsp : {"/listed", "/bare", "/handler", "/object"}) peer.join(nsp);
        for (const char* nsp : {"", "/x", "/*", "/listed/", "/Listed"}) {
            peer.say("0" + std::string(nsp) + (*nsp ? "," : ""));
            CPPUNIT_ASSERT_EQUAL(
                "4" + std::string(nsp) + (*nsp ? "," : "") + "{\"message\":\"Invalid namespace\"}",
                peer.heard());
        }
        Peer& old = open(EngineRevision::V3);
        ASSERT_HEARD("4{\"message\":\"Invalid namespace\"}", old);
        old.say("0/listed");
        ASSERT_HEARD("0/listed,", old);
    }

    void theListMayAllowEveryNamespace() {
        ServerOptions options;
        options.namespaces = {"*"};
        make(options);
        server->on(
            "e", [&](Socket& socket) { trace += socket.nsp(); }, "*");
        Peer& peer = open();
        peer.join();
        peer.join("/any/thing");
        peer.say("2/any/thing,[\"e\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("/any/thing"), trace);
    }

    void authIsGivenToTheConnectHandler() {
        struct Login {
            std::string user;
        };
        server->on("connect",
                   [&](Socket&, const Value& auth) { trace += JsonCodec::encode(auth) + ";"; });
        server->on(
            "connect",
            [&](const std::string&, const Value& auth, const Environ& environ) {
                trace += JsonCodec::encode(auth) + std::string(environ.remoteAddress()) + ";";
            },
            "/x");
        Peer& peer = open();
        peer.say("0{\"token\":\"t\"}");
        peer.say("0/x,{}");
        peer.hangUp();
        open().say("0");
        Peer& old = joinedV3();
        old.say("0/x?token=a%20b&n=1,");
        CPPUNIT_ASSERT_EQUAL(std::string("{\"token\":\"t\"};{}192.0.2.7;null;null;"
                                         "{\"token\":\"a b\",\"n\":\"1\"}192.0.2.7;"),
                             trace);
    }

    void aSecondConnectClosesTheSession() {
        server->on("disconnect",
                   [&](Socket&, DisconnectReason reason) { trace += toString(reason); });
        Peer& peer = joined();
        peer.say("0");
        CPPUNIT_ASSERT(!peer.open());
        CPPUNIT_ASSERT(peer.session->closeReason == CloseReason::ForcedClose);
        CPPUNIT_ASSERT_EQUAL(std::string("forced server close"), trace);

        Peer& connecting = open();
        connecting.write("0");
        connecting.write("0");  // while the connect handler has not run
        executor->run();
        CPPUNIT_ASSERT(!connecting.open());
        CPPUNIT_ASSERT_EQUAL(std::string("forced server close"), trace);
    }

    void packetsForANamespaceNeverJoinedCloseTheSession() {
        server->on(
            "e", [&](Socket&) { trace += "event"; }, "/x");
        for (const char* packet :
             {"2[\"e\"]", "2/x,[\"e\"]", "2/x,1[\"e\"]", "1", "1/x,", "31[]"}) {
            Peer& peer = open();
            peer.say(packet);
            CPPUNIT_ASSERT_MESSAGE(packet, !peer.open());
        }
        for (const char* packet : {"2/x,[\"e\"]", "1/x", "3/x,1[]", "4{\"message\":\"x\"}"}) {
            Peer& peer = joined();
            peer.say(packet);
            CPPUNIT_ASSERT_MESSAGE(packet, !peer.open());
        }
        CPPUNIT_ASSERT_EQUAL(std::string(), trace);
    }

    void attachmentsForANamespaceNeverJoinedAreNotWaitedFor() {
        Peer& nowhere = open();
        nowhere.say("51-[\"e\",{\"_placeholder\":true,\"num\":0}]");
        CPPUNIT_ASSERT(!nowhere.open());
        server->on(
            "e", [](Socket&) {}, "/x");
        Peer& elsewhere = joined();
        elsewhere.say("51-/x,[\"e\",{\"_placeholder\":true,\"num\":0}]");
        CPPUNIT_ASSERT(!elsewhere.open());
    }

    void halfAPacketIsNotKeptForEver() {
        server->on("e", [](Socket&, const Value&) {});
        const std::string header = "51-[\"e\",{\"_placeholder\":true,\"num\":0}]";
        Peer& peer = joined();
        // The time of one says nothing about the next: each has its own 45 s.
        for (int i = 0; i < 3; ++i) {
            peer.say(header);
            executor->advance(std::chrono::seconds(30));
            executor->onLoop(0, [&] { peer.session->listener->onBinary("x"); });
            executor->run();
            CPPUNIT_ASSERT(peer.open());
        }
        executor->advance(std::chrono::seconds(100));  // none is outstanding
        CPPUNIT_ASSERT(peer.open());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), executor->armedTimers());

        peer.say(header);
        executor->advance(std::chrono::milliseconds(44'999));
        CPPUNIT_ASSERT(peer.open());
        executor->advance(std::chrono::milliseconds(2));
        CPPUNIT_ASSERT(!peer.open());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), executor->armedTimers());
    }

    void packetsForANamespaceJustLeftAreIgnored() {
        server->on("e", [&](Socket&) { trace += "event"; });
        server->on(
            "e", [&](Socket&) { trace += "x"; }, "/x");
        Peer& peer = joined();
        peer.join("/x");
        server->disconnect(peer.sid, "/x");
        executor->run();
        ASSERT_HEARD("1/x,", peer);
        for (const char* packet : {"2/x,[\"e\"]", "2/x,5[\"e\"]", "3/x,1[]", "1/x,"})
            peer.say(packet);
        peer.write("51-/x,[\"e\",{\"_placeholder\":true,\"num\":0}]");
        peer.writeBinary("abc");
        executor->run();
        CPPUNIT_ASSERT(peer.open());
        ASSERT_HEARD("", peer);
        CPPUNIT_ASSERT_EQUAL(std::string(), trace);
        peer.say("2[\"e\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("event"), trace);
    }

    void badBytesCloseTheSession() {
        server->on("*", [&](Socket&) { trace += "event"; });
        for (const char* packet :
             {"",           "7",           "9",          "a",
              "-1",         "2",           "2[]",        "2{}",
              "2\"x\"",     "2null",       "2[null]",    "2[true]",
              "2[[\"x\"]]", "2abc[\"e\"]", "50-[\"e\"]", "29007199254740993[\"e\"]",
              "2[\"e\"",    "3{}",         "0[1]",       "0\"x\""}) {
            server->on("disconnect", [&](Socket&, DisconnectReason reason) {
                CPPUNIT_ASSERT(reason == DisconnectReason::ParseError);
            });
            Peer& peer = joined();
            peer.say(packet);
            CPPUNIT_ASSERT_MESSAGE(packet, !peer.open());
            CPPUNIT_ASSERT_MESSAGE(packet, peer.session->closeReason == CloseReason::ParseError);
        }
        Peer& peer = joined();
        peer.writeBinary("lonely");
        CPPUNIT_ASSERT(!peer.open());
        CPPUNIT_ASSERT_EQUAL(std::string(), trace);
    }

    void reservedNamesNeverReachAHandler() {
        server->on("connect", [&](Socket&) { trace += "connect;"; });
        server->on("disconnect", [&](Socket&) { trace += "disconnect;"; });
        for (const char* name : {"connect", "disconnect", "connect_error", "disconnecting",
                                 "newListener", "removeListener"}) {
            trace.clear();
            Peer& peer = joined();
            peer.say("2[\"" + std::string(name) + "\"]");
            CPPUNIT_ASSERT_MESSAGE(name, !peer.open());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::string("connect;disconnect;"), trace);
        }
        server->on("error", [&](Socket&) { trace += "error;"; });
        server->on("message", [&](Socket&) { trace += "message;"; });
        Peer& peer = joined();
        trace.clear();
        peer.say("2[\"error\"]");
        peer.say("2[\"message\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("error;message;"), trace);
    }

    void aClientThatJoinsNothingIsClosed() {
        Peer& idle = open();
        Peer& active = joined();
        executor->advance(std::chrono::milliseconds(44'999));
        CPPUNIT_ASSERT(idle.open());
        executor->advance(std::chrono::milliseconds(2));
        CPPUNIT_ASSERT(!idle.open());
        CPPUNIT_ASSERT(active.open());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), executor->armedTimers());
    }

    void theTimeOfAConnectHandlerIsNotTheClients() {
        ServerOptions options;
        options.connectTimeout = std::chrono::milliseconds(100);
        make(options);
        bool accepts = false;
        server->on("connect", [&](Socket&) { return accepts; });
        Peer& peer = open();
        const auto handledAfter = [&](std::chrono::milliseconds time) {
            peer.write("0");
            executor->fakeClock().advance(time);
            executor->onLoop(0, [&] {
                auto& timers = static_cast<test::FakeTimers&>(executor->timers(0));
                while (timers.fireOne()) {
                }
            });
            CPPUNIT_ASSERT(peer.open());
            executor->run();
        };
        handledAfter(std::chrono::milliseconds(150));
        // Refused, it has its time again.
        executor->advance(std::chrono::milliseconds(99));
        CPPUNIT_ASSERT(peer.open());
        accepts = true;
        handledAfter(std::chrono::milliseconds(150));
        executor->advance(std::chrono::seconds(10));
        CPPUNIT_ASSERT(peer.open());
    }

    void aSocketThatHasGoneLeavesItsSuccessorAlone() {
        std::vector<std::shared_ptr<Socket>> kept;
        std::vector<std::string> roomsAtTheEnd;
        server->on(
            "connect", [&](Socket& socket) { kept.push_back(socket.shared_from_this()); }, "/a");
        server->on(
            "disconnect", [&](Socket& socket) { roomsAtTheEnd = socket.rooms(); }, "/a");
        Peer& peer = joinedV3();
        peer.say("0/a");
        kept.at(0)->join("first");
        peer.say("1/a");
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), roomsAtTheEnd.size());
        peer.say("0/a");
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), kept.size());
        CPPUNIT_ASSERT_EQUAL(kept[0]->sid(), kept[1]->sid());
        kept[1]->join("second");
        peer.heard();

        kept[0]->disconnect();
        CPPUNIT_ASSERT(server->manager().isConnected(kept[1]->sid(), "/a"));
        CPPUNIT_ASSERT_THROW(kept[0]->join("third"), Poco::NotFoundException);
        kept[0]->leave("second");
        CPPUNIT_ASSERT(kept[0]->rooms().empty());
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), kept[1]->rooms().size());
        CPPUNIT_ASSERT(kept[1]->connected());
        kept[1]->emit("x");
        executor->run();
        ASSERT_HEARD("2/a,[\"x\"]", peer);
        end();  // the handlers refer to what is on the stack here
    }

    void dataIsCountedAsLargeAsItIsInMemory() {
        ServerOptions options;
        options.inboundBytes = 20'000;
        for (const auto& [item, items, pauses] :
             {std::tuple("0,", 100, false), std::tuple("0,", 2'000, true),
              std::tuple("[[[]]],", 30, false), std::tuple("[[[]]],", 300, true),
              std::tuple("{\"a\":{}},", 400, true), std::tuple("\"12345\",", 100, false)}) {
            make(options);
            std::size_t handled = 0;
            server->on("e", [&](Socket&) { ++handled; });
            Peer& peer = joined();
            std::string packet = "2[\"e\",";
            for (int i = 0; i < items; ++i) packet += item;
            packet.back() = ']';
            CPPUNIT_ASSERT(packet.size() < options.inboundBytes / 4);
            peer.write(packet);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(packet.substr(0, 30), pauses, peer.session->paused);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(pauses), server->counters().inputPauses.load());
            executor->run();
            CPPUNIT_ASSERT(!peer.session->paused);
            CPPUNIT_ASSERT_EQUAL(std::size_t(1), handled);
        }
    }

    void whenTooMuchWaitsInAllThoseWithMuchAreNotRead() {
        for (const bool apart : {false, true}) {
            ServerOptions options;
            options.totalInboundTasks = 50;
            options.asyncHandlers = apart;
            make(options);
            std::size_t handled = 0;
            server->on("e", [&](Socket&) { ++handled; });
            Peer &one = joined(), &two = joined(), &three = joined();
            const auto write = [](Peer& peer, int events) {
                for (int i = 0; i < events; ++i) peer.write("2[\"e\"]");
            };
            for (std::size_t round = 1; round <= 3; ++round) {
                write(one, 40);
                CPPUNIT_ASSERT(!one.session->paused);
                write(two, 40);
                CPPUNIT_ASSERT(two.session->paused && !one.session->paused);
                write(three, 16);
                CPPUNIT_ASSERT(!three.session->paused);
                write(three, 1);
                CPPUNIT_ASSERT(three.session->paused);
                executor->run();
                CPPUNIT_ASSERT_EQUAL(97 * round, handled);
                for (const Peer* each : {&one, &two, &three})
                    CPPUNIT_ASSERT(!each->session->paused);
            }
            // What a client that has gone leaves behind counts until it is done.
            write(one, 40);
            write(two, 31);
            executor->onLoop(0, [&] { one.session->close(CloseReason::TransportClose, {}); });
            executor->run();
            write(two, 40);
            CPPUNIT_ASSERT(!two.session->paused);
            executor->run();
        }
    }

    void whatPeersDoWrongIsCountedAndLogged() {
        log->lines.clear();
        for (int i = 0; i < 50; ++i) joined().say("2[");
        for (int i = 0; i < 50; ++i) joined().say("2/other,[\"e\"]");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(50), server->counters().badPackets.load());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(50), server->counters().violations.load());
        CPPUNIT_ASSERT(logged("warning: "));
        CPPUNIT_ASSERT(logged("bad packet: "));
        std::size_t warnings = 0;
        for (std::size_t at = 0; (at = log->lines.find("warning: ", at)) != std::string::npos; ++at)
            ++warnings;
        CPPUNIT_ASSERT(warnings < 80);
    }

    void aClientThatWasRefusedOnlyIsClosed() {
        for (const auto timeout :
             {ServerOptions().connectTimeout, std::chrono::milliseconds(100)}) {
            ServerOptions options;
            options.connectTimeout = timeout;
            make(options);
            server->on("connect", [](Socket&) { return false; });
            Peer& five = open();
            Peer& four = open(EngineRevision::V3);
            five.say("0");
            executor->advance(timeout - std::chrono::milliseconds(1));
            CPPUNIT_ASSERT(five.open() && four.open());
            executor->advance(std::chrono::milliseconds(1));
            CPPUNIT_ASSERT(!five.open() && !four.open());
        }
    }

    void namespacesPerClientAreLimited() {
        ServerOptions options;
        options.namespaces = {"*"};
        options.maxNamespacesPerClient = 3;
        make(options);
        server->on(
            "disconnect", [&](Socket& socket) { trace += socket.nsp(); }, "*");
        Peer& peer = open();
        for (const char* nsp : {"/a", "/b", "/c"}) peer.join(nsp);
        peer.say("1/b");
        peer.join("/d");
        peer.say("0/e,");
        ASSERT_HEARD("4/e,{\"message\":\"Too many namespaces\"}", peer);
        CPPUNIT_ASSERT(!peer.open());
        CPPUNIT_ASSERT_EQUAL(std::string("/b/a/c/d"), trace);
    }

    void theClientLeavesANamespace() {
        server->on("disconnect", [&](Socket& socket, DisconnectReason reason) {
            trace += socket.nsp() + ":" + std::string(toString(reason)) + ";";
        });
        server->on(
            "disconnect",
            [&](Socket& socket, const std::string& reason) {
                trace += socket.nsp() + ":" + reason + ";";
            },
            "/x");
        Peer& peer = joined();
        peer.join("/x");
        peer.say("1/x,");
        CPPUNIT_ASSERT_EQUAL(std::string("/x:client namespace disconnect;"), trace);
        peer.say("1");
        CPPUNIT_ASSERT_EQUAL(
            std::string("/x:client namespace disconnect;/:client namespace disconnect;"), trace);
        ASSERT_HEARD("", peer);
        CPPUNIT_ASSERT(peer.open());
        CPPUNIT_ASSERT(server->manager().getNamespaces().empty());
    }

    void aNamespaceMayBeJoinedAgain() {
        server->on("connect", [&](Socket& socket) {
            trace += "+";
            socket.join("room");
        });
        server->on("disconnect", [&](Socket& socket) {
            trace += "-";
            CPPUNIT_ASSERT_EQUAL(std::size_t(2), socket.rooms().size());
        });
        Peer& five = joined();
        const std::string before = five.sid;
        five.say("1");
        five.join();
        CPPUNIT_ASSERT(before != five.sid);
        Peer& four = joinedV3();
        // In one go: the same socket id leaves and comes back.
        four.write("1");
        four.write("0");
        executor->run();
        ASSERT_HEARD("0", four);
        CPPUNIT_ASSERT_EQUAL(std::string("+-++-+"), trace);
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), server->rooms(four.sid).size());
        CPPUNIT_ASSERT(server->manager().isConnected(four.sid, "/"));
    }

    void theServerDisconnectsASocket() {
        server->on("disconnect", [&](Socket& socket, DisconnectReason reason) {
            CPPUNIT_ASSERT(!socket.connected());
            trace += toString(reason);
        });
        server->on("e", [&](Socket&) { trace += "event"; });
        server->on(
            "e", [&](Socket&) { trace += "x"; }, "/x");
        Peer& peer = joined();
        const std::string sid = peer.sid;
        peer.join("/x");
        server->disconnect(sid);
        CPPUNIT_ASSERT(!server->manager().isConnected(sid, "/"));
        server->disconnect(sid);
        peer.write("2[\"e\"]");  // crosses the DISCONNECT packet
        executor->run();
        ASSERT_HEARD("1", peer);
        CPPUNIT_ASSERT_EQUAL(std::string("server namespace disconnect"), trace);
        CPPUNIT_ASSERT(server->rooms(sid).empty());
        peer.say("2/x,[\"e\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("server namespace disconnectx"), trace);
        server->disconnect(sid);
        server->disconnect("nobody");
        executor->run();
        CPPUNIT_ASSERT(peer.open());
    }

    void disconnectInTheConnectHandlerComesAfterTheAnswer() {
        server->on("connect", [&](Socket& socket) {
            socket.emit("hello");
            socket.disconnect();
            socket.emit("late");
        });
        server->on("disconnect",
                   [&](Socket&, DisconnectReason reason) { trace += toString(reason); });
        Peer& peer = open();
        peer.write("0");
        peer.write("2[\"e\"]");
        executor->run();
        ASSERT_HEARD("0{\"sid\":\"SID\"} 2[\"hello\"] 2[\"late\"] 1", peer);
        CPPUNIT_ASSERT_EQUAL(std::string("server namespace disconnect"), trace);
        CPPUNIT_ASSERT(peer.open());
    }

    void disconnectWithCloseEndsTheSession() {
        server->on("e", [](Socket& socket) { socket.disconnect(true); });
        server->on("disconnect", [&](Socket& socket, DisconnectReason reason) {
            trace += socket.nsp() + ":" + std::string(toString(reason)) + ";";
        });
        server->on(
            "disconnect",
            [&](Socket& socket, DisconnectReason reason) {
                trace += socket.nsp() + ":" + std::string(toString(reason)) + ";";
            },
            "/x");
        Peer& peer = joined();
        peer.join("/x");
        peer.say("2[\"e\"]");
        ASSERT_HEARD("1 1/x,", peer);
        CPPUNIT_ASSERT(!peer.open());
        CPPUNIT_ASSERT(peer.session->closeReason == CloseReason::ForcedClose);
        CPPUNIT_ASSERT_EQUAL(
            std::string("/:server namespace disconnect;/x:server namespace disconnect;"), trace);
    }

    void disconnectInsideAnEventHandlerEndsItsEvents() {
        server->on("e", [&](Socket& socket, int n) {
            trace += std::to_string(n);
            if (n == 2) socket.disconnect();
            return n;
        });
        server->on("disconnect", [&](Socket&) { trace += "!"; });
        Peer& peer = joined();
        for (const char* packet : {"21[\"e\",1]", "22[\"e\",2]", "23[\"e\",3]"}) peer.write(packet);
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("12!"), trace);
        ASSERT_HEARD("31[1] 1", peer);
    }

    void reasonsAreTheOfficialOnes() {
        server->on("disconnect",
                   [&](Socket&, DisconnectReason reason) { trace = toString(reason); });
        const std::pair<CloseReason, const char*> cases[] = {
            {CloseReason::TransportClose, "transport close"},
            {CloseReason::TransportError, "transport error"},
            {CloseReason::PingTimeout, "ping timeout"},
            {CloseReason::ParseError, "parse error"},
            {CloseReason::ForcedClose, "forced close"},
            {CloseReason::ServerShuttingDown, "server shutting down"},
        };
        for (const auto& [reason, text] : cases) {
            joined().hangUp(reason);
            CPPUNIT_ASSERT_EQUAL(std::string(text), trace);
        }
    }

    void eventsBeforeACloseAreHandledFirst() {
        server->on("e", [&](Socket&, int n) { trace += std::to_string(n); });
        server->on("disconnect", [&](Socket&) { trace += "!"; });
        Peer& peer = joined();
        peer.write("2[\"e\",1]");
        peer.write("2[\"e\",2]");
        peer.hangUp();
        CPPUNIT_ASSERT_EQUAL(std::string("12!"), trace);
        Peer& leaving = joined();
        trace.clear();
        leaving.write("2[\"e\",1]");
        leaving.write("1");
        leaving.write("2[\"e\",2]");
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("1!"), trace);
    }

    void aCloseDuringTheConnectHandlerIsHeardOnce() {
        Peer* peer = nullptr;
        server->on("connect", [&](Socket& socket) {
            trace += "+";
            executor->onLoop(0, [&] { peer->session->close(CloseReason::TransportClose); });
            socket.emit("into nothing");
            socket.join("room");
        });
        server->on("disconnect", [&](Socket&) { trace += "-"; });
        peer = &open();
        peer->say("0");
        CPPUNIT_ASSERT_EQUAL(std::string("+-"), trace);
        ASSERT_HEARD("", *peer);
        CPPUNIT_ASSERT(server->manager().getNamespaces().empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), executor->armedTimers());
    }

    void aCloseBeforeTheConnectHandlerCallsNothing() {
        server->on("connect", [&](Socket&) { trace += "+"; });
        server->on("disconnect", [&](Socket&) { trace += "-"; });
        Peer& peer = open();
        peer.write("0");
        peer.hangUp();
        CPPUNIT_ASSERT_EQUAL(std::string(), trace);
    }

    void roomsLastUntilTheDisconnectHandlerHasRun() {
        server->on("disconnect", [&](Socket& socket) {
            CPPUNIT_ASSERT(!server->manager().isConnected(socket.sid(), "/"));
            for (const std::string& room : socket.rooms()) trace += room + ";";
            server->emit("bye", {}, {.room = "room"});
        });
        Peer& peer = joined();
        Peer& other = joined();
        server->enterRoom(peer.sid, "room");
        server->enterRoom(other.sid, "room");
        peer.hangUp();
        CPPUNIT_ASSERT_EQUAL(peer.sid + ";room;", trace);
        ASSERT_HEARD("2[\"bye\"]", other);
        CPPUNIT_ASSERT(server->rooms(peer.sid).empty());
    }

    void aFailingDisconnectHandlerLeavesNothingBehind() {
        server->on("disconnect", [](Socket&) { throw 42; });
        joined().hangUp();
        CPPUNIT_ASSERT(server->manager().getNamespaces().empty());
        CPPUNIT_ASSERT(logged("error: the handler of the event \"disconnect\" failed"));
    }

    void handlersOfOneClientRunInOrder() {
        server->on("e", [&](Socket&, int n) { trace += std::to_string(n); });
        Peer& peer = joined();
        for (int n = 0; n < 10; ++n) peer.write("2[\"e\"," + std::to_string(n) + "]");
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("0123456789"), trace);
    }

    void asyncHandlersRunApart() {
        ServerOptions options;
        options.asyncHandlers = true;
        make(options);
        // A handler that lets the others run before it ends: on a strand they could not.
        server->on("e", [&](Socket&, int n) {
            if (n == 1) executor->runWorkers();
            trace += std::to_string(n);
            return n;
        });
        server->on("disconnect", [&](Socket&) { trace += "!"; });
        Peer& peer = joined();
        peer.write("21[\"e\",1]");
        peer.write("22[\"e\",2]");
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("21"), trace);
        ASSERT_HEARD("32[2] 31[1]", peer);
        peer.hangUp();
        CPPUNIT_ASSERT_EQUAL(std::string("21!"), trace);
    }

    void asyncHandlersRunInPlaceWhenThereIsNoWorker() {
        ServerOptions options;
        options.asyncHandlers = true;
        make(options);
        server->on("e", [&](Socket&, int n) { return n; });
        Peer& peer = joined();
        executor->refuseWork = true;
        peer.say("21[\"e\",1]");
        ASSERT_HEARD("31[1]", peer);
    }

    void eventsOfAsyncHandlersCountUntilTheyHaveEnded() {
        ServerOptions options;
        options.asyncHandlers = true;
        options.inboundTasks = 10;
        options.inboundBytes = 100'000;
        make(options);
        Peer* peer = nullptr;
        // Each begins after all that come behind it have been handed out: the strand is empty.
        server->on("e", [&](Socket&) {
            executor->runWorkers();
            executor->runLoops();
            trace += peer->session->paused ? 'p' : '.';
        });
        peer = &joined();
        for (int i = 0; i < 11; ++i) peer->write("2[\"e\"]");
        CPPUNIT_ASSERT(peer->session->paused);
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("pppppp....."), trace);
        CPPUNIT_ASSERT(!peer->session->paused);

        // The same by bytes; and nothing is left over.
        trace.clear();
        const std::string large = "2[\"e\",\"" + std::string(40'000, 'x') + "\"]";
        for (int i = 0; i < 3; ++i) peer->write(large);
        CPPUNIT_ASSERT(peer->session->paused);
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("pp."), trace);
        for (int i = 0; i < 10; ++i) peer->write("2[\"e\"]");
        CPPUNIT_ASSERT(!peer->session->paused);
        executor->run();
    }

    void eventsAreNamedForTheWatchdog() {
        server->on("chat message", [](Socket&) {});
        Peer& peer = joined();
        executor->described.clear();
        peer.say("2[\"chat message\"]");
        peer.say("2[\"" + std::string(100, 'x') + "\"]");
        peer.hangUp();
        CPPUNIT_ASSERT_EQUAL(std::size_t(3), executor->described.size());
        CPPUNIT_ASSERT_EQUAL(std::string("event chat message"), executor->described[0]);
        CPPUNIT_ASSERT_EQUAL("event " + std::string(57, 'x'), executor->described[1]);
        CPPUNIT_ASSERT_EQUAL(std::string("event disconnect"), executor->described[2]);
    }

    void aNumberMayBeTheNameOfAnEvent() {
        server->on("7", [&](Socket&, const std::string& text) { trace += text; });
        joined().say("2[7,\"x\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("x"), trace);
    }

    void readingStopsWhenTooMuchWaits() {
        ServerOptions options;
        options.inboundTasks = 10;
        make(options);
        bool paused = false;
        Peer* peer = nullptr;
        int handled = 0;
        server->on("e", [&](Socket&) {
            ++handled;
            executor->runLoops();
            paused = peer->session->paused;
            trace += paused ? 'p' : '.';
        });
        peer = &joined();
        for (int i = 0; i < 10; ++i) peer->write("2[\"e\"]");
        CPPUNIT_ASSERT(!peer->session->paused);
        peer->write("2[\"e\"]");
        CPPUNIT_ASSERT(peer->session->paused);
        executor->run();
        // Read again at half: five are left when the sixth has ended.
        CPPUNIT_ASSERT_EQUAL(std::string("pppppp....."), trace);
        CPPUNIT_ASSERT(!peer->session->paused);
        for (int i = 0; i < 11; ++i) peer->write("2[\"e\"]");
        CPPUNIT_ASSERT(peer->session->paused);
        peer->hangUp();  // while paused
        CPPUNIT_ASSERT_EQUAL(22, handled);
    }

    void readingStopsWhenTooManyBytesWait() {
        ServerOptions options;
        options.inboundBytes = 10'000;
        make(options);
        server->on("e", [&](Socket&) {});
        Peer& peer = joined();
        const std::string large = "2[\"e\",\"" + std::string(6000, 'x') + "\"]";
        peer.write(large);
        CPPUNIT_ASSERT(!peer.session->paused);
        peer.write("51-[\"e\",{\"_placeholder\":true,\"num\":0}]");
        peer.writeBinary(std::string(6000, 'x'));
        CPPUNIT_ASSERT(peer.session->paused);
        executor->run();
        CPPUNIT_ASSERT(!peer.session->paused);
        // Small events count what they take in memory.
        for (int i = 0; i < 80; ++i) peer.write("2[\"e\"]");
        CPPUNIT_ASSERT(peer.session->paused);
        executor->run();
    }

    void environsMayBeDropped() {
        ServerOptions options;
        options.keepEnviron = false;
        make(options);
        server->on("connect", [&](Socket& socket, const Environ& environ) {
            trace += environ.remoteAddress();
            trace += socket.environ().remoteAddress();
        });
        server->on("e", [&](Socket& socket) { trace += socket.environ().remoteAddress(); });
        Peer& peer = joined();
        peer.say("2[\"e\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.7192.0.2.7"), trace);
        CPPUNIT_ASSERT(!peer.session->environ());

        make({});
        server->on("e", [&](Socket& socket) { trace += socket.environ().remoteAddress(); });
        Peer& keeper = joined();
        keeper.say("2[\"e\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.7"), trace);
    }

    void connectionsAreLogged() {
        Peer& peer = open();
        peer.session->webSocket = true;
        peer.say("0{\"token\":\"secret\"}");
        peer.heard();
        peer.hangUp(CloseReason::TransportError, "outbound limit");
        CPPUNIT_ASSERT_EQUAL(
            std::string("info: 192.0.2.7 connected to \"/\" (websocket, protocol 5)\n"
                        "info: 192.0.2.7 disconnected from \"/\": transport error "
                        "(outbound limit)\n"),
            log->lines);
        log->lines.clear();
        logger().setLevel(Poco::Message::PRIO_DEBUG);
        Peer& other = joined();
        CPPUNIT_ASSERT(logged(other.sid));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ClientTest);

}  // namespace socketio
