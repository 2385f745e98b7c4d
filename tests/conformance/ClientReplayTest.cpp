// What clients that cannot be installed here put on the wire, byte for byte as their sources write
// it: handshakes, heartbeats, namespaces, acknowledgements, binary data, upgrades, goodbyes.
#include <initializer_list>
#include <string>
#include <string_view>

#include <cppunit/extensions/HelperMacros.h>

#include "SocketFixture.h"
#include "support/Replay.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

namespace {

/// A payload of revision 3 in its text form, lengths given by the writer of the test.
std::string textPayload(std::initializer_list<std::string_view> packets) {
    std::string payload;
    for (const std::string_view packet : packets)
        payload += std::to_string(packet.size()) + ":" + std::string(packet);
    return payload;
}

/// One packet of a payload of revision 3 in its binary form: kind, decimal digits, 0xFF, data.
std::string binaryPacket(char kind, std::string_view data) {
    std::string packet(1, kind);
    for (const char digit : std::to_string(data.size())) packet += static_cast<char>(digit - '0');
    return packet.append("\xff").append(data);
}

}  // namespace

class ClientReplayTest : public SocketFixture {
    CPPUNIT_TEST_SUITE(ClientReplayTest);
    CPPUNIT_TEST(swift15OverWebSocket);
    CPPUNIT_TEST(swift15OverPollingAndUpgrade);
    CPPUNIT_TEST(swift16OverWebSocket);
    CPPUNIT_TEST(swift16OverPollingAndUpgrade);
    CPPUNIT_TEST(java1OverPollingAndUpgrade);
    CPPUNIT_TEST(java1SendsBinaryPayloads);
    CPPUNIT_TEST(java2OverPollingAndUpgrade);
    CPPUNIT_TEST(cpp1OverWebSocket);
    CPPUNIT_TEST(cpp3OverWebSocket);
    CPPUNIT_TEST(dart1OverWebSocket);
    CPPUNIT_TEST(dart2OverWebSocket);
    CPPUNIT_TEST(python4OverPollingAndUpgrade);
    CPPUNIT_TEST(python4OverWebSocket);
    CPPUNIT_TEST_SUITE_END();

    /// A server whose handlers write down what they hear.
    void serve() {
        make();
        onBoth("connect", [this](Socket& socket, const Environ& environ, const Value& auth) {
            journal.add(socket.nsp() + " " + json(auth));
            query = std::string(environ.query());
        });
        sio().on(
            "echo",
            [](Socket&, const Value::Array& values) { return HandlerResult::acknowledge(values); },
            "/chat");
        onBoth("ask", [this](Socket& socket) {
            socket.emit("question", Binary("\x01\x02"), [this](const Value::Array& values) {
                journal.add("answer " + json(Value(values)));
            });
        });
        onBoth("give", [](Socket& socket) { socket.emit("given", Binary("\xfe\xff")); });
        watchDisconnects();
        start();
    }

    /// A WebSocket with the headers of the client; the open packet has been read.
    RawClient open(const std::string& target, const char* headers) {
        RawClient client(port);
        client.upgrade(target, headers);
        converse(client, {hearsBeginning("0{\"sid\":\"")});
        return client;
    }
    /// A WebSocket for the session, which has been probed.
    RawClient probe(const std::string& target, std::string_view headers = {}) {
        RawClient client(port);
        client.upgrade(target, headers);
        converse(client, {says("2probe"), hears("3probe")});
        return client;
    }
    void expectJournal(std::size_t lines, const std::string& text) {
        CPPUNIT_ASSERT_EQUAL(text, journal.waitFor(lines));
        journal.clear();
    }
    /// Out of `/chat`, out of `/`, and the end of the session.
    void leave(RawClient& client, const char* chat) {
        converse(client, {says(chat), says("41"), says("1"), hearsClose()});
        expectJournal(2, "/chat client namespace disconnect; / client namespace disconnect");
    }

public:
    // ---- socket.io-client-swift

    /// 15.x, and 16.x with .version(.two): Starscream, forceWebsockets(true). Query parameters of
    /// the application follow; no cache buster. The main namespace is not asked for, others without
    /// a comma. NSJSONSerialization escapes slashes; ids of acknowledgements start with 0; the keys
    /// of a placeholder come in any order; the goodbye names the main namespace `/`.
    void swift15OverWebSocket() {
        serve();
        RawClient client =
            open("/socket.io/?transport=websocket&EIO=3&user=ann%20b",
                 "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; "
                 "server_max_window_bits=15\r\n"
                 "Origin: http://localhost\r\n");
        converse(client, {hears("40")});
        expectJournal(1, "/ null");
        CPPUNIT_ASSERT_EQUAL("transport=websocket&EIO=3&user=ann%20b"s, query);
        converse(client, {
                             says("40/chat"),
                             hears("40/chat,"),
                             says("2"),
                             hears("3"),
                             says(R"(420["echo","http:\/\/x\/",{"a":[1,null,true]}])"),
                             hears(R"(430["http://x/",{"a":[1,null,true]}])"),
                             says(R"(451-/chat,1["echo",{"num":0,"_placeholder":true}])"),
                             saysBytes("\x04\x01\x02\x03"),
                             hears(R"(461-/chat,1[{"_placeholder":true,"num":0}])"),
                             hearsBytes("\x04\x01\x02\x03"),
                             says(R"(42/chat,["ask"])"),
                             hears(R"(451-/chat,1["question",{"_placeholder":true,"num":0}])"),
                             hearsBytes("\x04\x01\x02"),
                             says("43/chat,1[\"Got it\"]"),
                             says("41/chat"),
                         });
        expectJournal(3, R"(/chat null; answer ["Got it"]; /chat client namespace disconnect)");
        converse(client, {says("41/"), says("1"), hearsClose()});
        expectJournal(1, "/ client namespace disconnect");
    }

    /// The same clients by default: polling with b64=1 (always text), payloads with lengths in
    /// UTF-16 units, a noop posted to get the pending poll back (`1:6`) before `5` is sent.
    void swift15OverPollingAndUpgrade() {
        serve();
        PollingReplay polling(port, "/socket.io/?transport=polling&b64=1&EIO=3", "",
                              "Content-Type: text/plain; charset=UTF-8\r\n");
        polling.hearsUnasked("2:40");
        polling.startsPoll();
        polling.posts("7:40/chat");
        polling.hearsPoll("8:40/chat,");
        polling.startsPoll();
        // Four characters, five UTF-16 units, seven bytes.
        polling.posts("18:420[\"echo\",\"a\xF0\x9F\x98\x80z\"]");
        polling.hearsPoll("11:430[\"a\xF0\x9F\x98\x80z\"]");
        // Binary: the event and `b4` with base64 in one POST.
        polling.posts(
            textPayload({R"(451-1["echo",{"_placeholder":true,"num":0}])", "b4AQIDBA=="}));
        polling.hears(textPayload({R"(461-1[{"_placeholder":true,"num":0}])", "b4AQIDBA=="}));
        polling.startsPoll();
        RawClient socket = probe("/socket.io/?transport=websocket&EIO=3&sid=" + polling.sid());
        polling.posts("1:6");
        polling.hearsPoll("1:6");
        converse(socket, {says("5"), says(R"(422["echo","after"])"), hears(R"(432["after"])"),
                          says("1"), hearsClose()});
        expectJournal(4, "/ null; /chat null; / transport close; /chat transport close");
    }

    /// 16.x: every namespace is asked for with its comma, the main one as `/` with a comma, too;
    /// the connect payload follows. Pings are answered.
    void swift16OverWebSocket() {
        serve();
        RawClient client =
            open("/socket.io/?transport=websocket&EIO=4&user=ann", "Origin: http://localhost\r\n");
        converse(client, {
                             says(R"(40/,{"token":"a\/b"})"),
                             hearsBeginning("40{\"sid\":\""),
                             says("40/chat,"),
                             hearsBeginning("40/chat,{\"sid\":\""),
                             says(R"(420["echo","x"])"),
                             hears(R"(430["x"])"),
                             says(R"(452-/chat,1["echo",{"a":{"num":0,"_placeholder":true}},)"
                                  R"({"num":1,"_placeholder":true}])"),
                             saysBytes("one"),
                             saysBytes("two"),
                             hears(R"(462-/chat,1[{"a":{"_placeholder":true,"num":0}},)"
                                   R"({"_placeholder":true,"num":1}])"),
                             hearsBytes("one"),
                             hearsBytes("two"),
                             says(R"(42/chat,["ask"])"),
                             hears(R"(451-/chat,1["question",{"_placeholder":true,"num":0}])"),
                             hearsBytes("\x01\x02"),
                             says(R"(461-/chat,1[{"_placeholder":true,"num":0}])"),
                             saysBytes("b"),
                             says("41/chat,"),
                         });
        const std::string heard = journal.waitFor(4);
        CPPUNIT_ASSERT_EQUAL(R"(/ {"token":"a/b"}; /chat null; answer )"s, heard.substr(0, 38));
        journal.clear();
        converse(client, {says("41/,"), says("1"), hearsClose()});
        expectJournal(1, "/ client namespace disconnect");
    }

    void swift16OverPollingAndUpgrade() {
        serve();
        PollingReplay polling(port, "/socket.io/?transport=polling&b64=1&EIO=4", "",
                              "Content-Type: text/plain; charset=UTF-8\r\n");
        polling.startsPoll();
        polling.posts("40/,");
        CPPUNIT_ASSERT_EQUAL("40{\"sid\":\""s, polling.takesPoll().substr(0, 10));
        polling.startsPoll();
        polling.posts(
            "451-0[\"echo\",{\"_placeholder\":true,\"num\":0}]\x1e"
            "bAQIDBA==");
        polling.hearsPoll(
            "461-0[{\"_placeholder\":true,\"num\":0}]\x1e"
            "bAQIDBA==");
        polling.startsPoll();
        RawClient socket = probe("/socket.io/?transport=websocket&EIO=4&sid=" + polling.sid());
        polling.posts("6");
        polling.hearsPoll("6");
        converse(socket, {says("5"), says(R"(421["echo","after"])"), hears(R"(431["after"])"),
                          says("1"), hearsClose()});
        expectJournal(2, "/ null; / transport close");
    }

    // ---- socket.io-client-java

    /// 1.x (engine.io-client-java 1.x, OkHttp): parameters in the order of a map, `t` as cache
    /// buster, no b64: answers may be binary. Content-Type only on POST. The query of a namespace
    /// stands behind its name. The poll is let run out before `5`.
    void java1OverPollingAndUpgrade() {
        serve();
        const std::string accept =
            "Accept: */*\r\nConnection: Keep-Alive\r\nAccept-Encoding: gzip\r\n"
            "User-Agent: okhttp/3.12.12\r\n";
        PollingReplay polling(port, "/socket.io/?EIO=3&transport=polling&t=P3b", accept,
                              "Content-Type: text/plain; charset=utf-8\r\n" + accept);
        polling.hearsUnasked("2:40");
        expectJournal(1, "/ null");
        polling.posts(textPayload({"40/chat?token=abc,"}));
        polling.hears("8:40/chat,");
        expectJournal(1, R"(/chat {"token":"abc"})");
        polling.posts("1:2");  // the client pings
        polling.hears("1:3");
        // Several packets in one POST; ids start with 0.
        polling.posts(textPayload({R"(42/chat,0["echo",1])", R"(421["echo",2])"}));
        std::string answer = polling.polls().body;
        if (answer.find("431") == answer.npos) answer += polling.polls().body;
        CPPUNIT_ASSERT_EQUAL(textPayload({"43/chat,0[1]", "431[2]"}), answer);

        polling.startsPoll();
        RawClient socket =
            probe("/socket.io/?EIO=3&transport=websocket&sid=" + polling.sid(), accept);
        polling.hearsPoll("1:6");  // by itself
        converse(socket, {
                             says("5"),
                             says(R"(451-/chat,2["echo",{"_placeholder":true,"num":0}])"),
                             saysBytes("\x04\x00\xff"s),
                             hears(R"(461-/chat,2[{"_placeholder":true,"num":0}])"),
                             hearsBytes("\x04\x00\xff"s),
                             says("2"),
                             hears("3"),
                         });
        leave(socket, "41/chat,");
    }

    /// As soon as one packet of a POST is binary the whole payload is, with the type
    /// application/octet-stream; a poll answer with binary packets comes in the same form.
    void java1SendsBinaryPayloads() {
        serve();
        PollingReplay polling(port, "/socket.io/?EIO=3&transport=polling&t=P3c", "",
                              "Content-Type: application/octet-stream\r\n");
        polling.posts(binaryPacket(0,
                                   "451-7[\"echo\",\"\xE2\x82\xAC\","
                                   "{\"_placeholder\":true,\"num\":0}]") +
                      binaryPacket(1, "\x04\x01\x02\x03"));
        RawResponse answer = polling.polls();
        if (answer.body == "2:40") answer = polling.polls();
        CPPUNIT_ASSERT_EQUAL("application/octet-stream"s, answer.header("Content-Type"));
        // What was queued before may have come in this answer, too.
        const std::string expected = binaryPacket(0,
                                                  "461-7[\"\xE2\x82\xAC\","
                                                  "{\"_placeholder\":true,\"num\":0}]") +
                                     binaryPacket(1, "\x04\x01\x02\x03");
        CPPUNIT_ASSERT_EQUAL(expected, answer.body.substr(answer.body.size() - expected.size()));
        polling.posts(binaryPacket(0, "1"));
        expectJournal(2, "/ null; / transport close");
    }

    /// 2.x: revision 4, auth in CONNECT, no query behind the namespace.
    void java2OverPollingAndUpgrade() {
        serve();
        const char* const agent = "Accept-Encoding: gzip\r\nUser-Agent: okhttp/3.12.12\r\n";
        PollingReplay polling(port, "/socket.io/?EIO=4&transport=polling&t=P3d", "Accept: */*\r\n",
                              "Content-Type: text/plain;charset=UTF-8\r\nAccept: */*\r\n"s + agent);
        polling.posts(
            "40{\"token\":\"t\"}\x1e"
            "40/chat,");
        std::string answer = polling.polls().body;
        if (answer.find("40/chat") == answer.npos) answer += "\x1e" + polling.polls().body;
        CPPUNIT_ASSERT_EQUAL("40{\"sid\":\""s, answer.substr(0, 10));
        CPPUNIT_ASSERT(answer.find("\x1e"
                                   "40/chat,{\"sid\":\"") != answer.npos);
        expectJournal(2, R"(/ {"token":"t"}; /chat null)");
        polling.posts(
            "451-/chat,0[\"echo\",{\"_placeholder\":true,\"num\":0}]\x1e"
            "bAQIDBA==");
        polling.hears(
            "461-/chat,0[{\"_placeholder\":true,\"num\":0}]\x1e"
            "bAQIDBA==");
        polling.startsPoll();
        RawClient socket =
            probe("/socket.io/?EIO=4&transport=websocket&sid=" + polling.sid(), agent);
        polling.hearsPoll("6");
        converse(socket,
                 {says("5"), says("42[\"give\"]"),
                  hears(R"(451-["given",{"_placeholder":true,"num":0}])"), hearsBytes("\xfe\xff")});
        leave(socket, "41/chat,");
    }

    // ---- socket.io-client-cpp

    /// 1.6 (websocketpp): WebSocket only, `t` in seconds, the application's query last. Namespaces
    /// without a comma when nothing follows; pings of its own; ids start with 1 and count over all
    /// namespaces; the goodbye is a DISCONNECT and a close frame.
    void cpp1OverWebSocket() {
        serve();
        RawClient client = open("/socket.io/?EIO=3&transport=websocket&t=1479114000&user=ann",
                                "User-Agent: WebSocket++/0.7.0\r\n");
        converse(client, {hears("40"), says("40/chat"), hears("40/chat,")});
        expectJournal(2, "/ null; /chat null");
        converse(client, {
                             says("2"),
                             hears("3"),
                             says(R"(421["echo","x",{"a":1.5}])"),
                             hears(R"(431["x",{"a":1.5}])"),
                             says(R"(451-/chat,2["echo",{"_placeholder":true,"num":0}])"),
                             saysBytes("\x04"
                                       "abc"),
                             hears(R"(461-/chat,2[{"_placeholder":true,"num":0}])"),
                             hearsBytes("\x04"
                                        "abc"),
                             says(R"(42["ask"])"),
                             hears(R"(451-1["question",{"_placeholder":true,"num":0}])"),
                             hearsBytes("\x04\x01\x02"),
                             says("431[\"yes\"]"),
                         });
        expectJournal(1, R"(answer ["yes"])");
        converse(client, {says("41/chat"), says("41")});
        client.sendClose(1000, "End by user");
        converse(client, {hearsClose()});
        expectJournal(2, "/chat client namespace disconnect; / client namespace disconnect");
    }

    /// 2.x and 3.x: the same with revision 4, CONNECT with or without auth, no type byte before
    /// attachments. Pings are answered.
    void cpp3OverWebSocket() {
        serve();
        RawClient client = open("/socket.io/?EIO=4&transport=websocket&t=1671794000",
                                "User-Agent: WebSocket++/0.8.2\r\n");
        converse(client, {
                             says("40{\"token\":\"t\"}"),
                             hearsBeginning("40{\"sid\":\""),
                             says("40/chat"),
                             hearsBeginning("40/chat,{\"sid\":\""),
                             says(R"(42/chat,1["echo","x"])"),
                             hears(R"(43/chat,1["x"])"),
                             says(R"(451-2["echo",{"_placeholder":true,"num":0}])"),
                             saysBytes("abc"),
                             hears(R"(461-2[{"_placeholder":true,"num":0}])"),
                             hearsBytes("abc"),
                         });
        expectJournal(2, R"(/ {"token":"t"}; /chat null)");
        converse(client, {says("41/chat"), says("41")});
        client.sendClose(1000, "End by user");
        converse(client, {hearsClose()});
        expectJournal(2, "/chat client namespace disconnect; / client namespace disconnect");
    }

    // ---- socket_io_client (Dart)

    /// 1.x: transports are often set to ['websocket']. As the JavaScript client of its time; the
    /// headers of dart:io.
    void dart1OverWebSocket() {
        serve();
        RawClient client =
            open("/socket.io/?EIO=3&transport=websocket",
                 "User-Agent: Dart/2.19 (dart:io)\r\nCache-Control: no-cache\r\n"
                 "Accept-Encoding: gzip\r\nContent-Length: 0\r\n"
                 "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
        converse(client, {
                             hears("40"),
                             says("40/chat,"),
                             hears("40/chat,"),
                             says("2"),
                             hears("3"),
                             says(R"(420["echo",{"a":"b"}])"),
                             hears(R"(430[{"a":"b"}])"),
                             says(R"(451-1["echo",{"_placeholder":true,"num":0}])"),
                             saysBytes("\x04\x09"),
                             hears(R"(461-1[{"_placeholder":true,"num":0}])"),
                             hearsBytes("\x04\x09"),
                         });
        expectJournal(2, "/ null; /chat null");
        leave(client, "41/chat,");
    }

    /// 2.x: revision 4.
    void dart2OverWebSocket() {
        serve();
        RawClient client =
            open("/socket.io/?EIO=4&transport=websocket",
                 "User-Agent: Dart/3.2 (dart:io)\r\nCache-Control: no-cache\r\n"
                 "Accept-Encoding: gzip\r\nContent-Length: 0\r\n"
                 "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
        converse(client, {
                             says("40"),
                             hearsBeginning("40{\"sid\":\""),
                             says(R"(40/chat,{"token":"t"})"),
                             hearsBeginning("40/chat,{\"sid\":\""),
                             says(R"(42/chat,0["echo",[]])"),
                             hears(R"(43/chat,0[[]])"),
                         });
        expectJournal(2, R"(/ null; /chat {"token":"t"})");
        leave(client, "41/chat,");
    }

    // ---- python-socketio 4.x

    /// python-engineio 3.x with requests: the query in this order, `t` with the time, always the
    /// binary form in POSTs; it reads either form. ids start with 1; a namespace without a comma
    /// when nothing follows.
    void python4OverPollingAndUpgrade() {
        serve();
        const std::string common =
            "User-Agent: python-requests/2.25.1\r\nAccept-Encoding: gzip, deflate\r\n"
            "Accept: */*\r\nConnection: keep-alive\r\n";
        PollingReplay polling(port, "/socket.io/?transport=polling&EIO=3", common,
                              common + "Content-Type: application/octet-stream\r\n",
                              "&t=1606128000.123");
        polling.hearsUnasked("2:40", "&t=1606128000.2");
        polling.posts(binaryPacket(0, "40/chat"));
        polling.hears("8:40/chat,", "&t=1606128000.3");
        expectJournal(2, "/ null; /chat null");
        polling.posts(binaryPacket(0, "2"));
        polling.hears("1:3", "&t=1606128000.4");
        // json.dumps escapes everything beyond ASCII.
        polling.posts(binaryPacket(0, R"(451-/chat,1["echo","\u20ac",)"
                                      R"({"_placeholder":true,"num":0}])") +
                      binaryPacket(1, "\x04\x01\x02"));
        const RawResponse binary = polling.polls("&t=1606128000.5");
        CPPUNIT_ASSERT_EQUAL("application/octet-stream"s, binary.header("Content-Type"));
        CPPUNIT_ASSERT_EQUAL(binaryPacket(0,
                                          "461-/chat,1[\"\xE2\x82\xAC\","
                                          "{\"_placeholder\":true,\"num\":0}]") +
                                 binaryPacket(1, "\x04\x01\x02"),
                             binary.body);
        // It upgrades right after the handshake, without a poll that is pending.
        RawClient socket =
            probe("/socket.io/?transport=websocket&EIO=3&sid=" + polling.sid() + "&t=1606128000.6",
                  "Origin: http://localhost\r\n");
        converse(socket, {says("5"), says("42[\"give\"]"),
                          hears(R"(451-["given",{"_placeholder":true,"num":0}])"),
                          hearsBytes("\x04\xfe\xff")});
        leave(socket, "41/chat");
    }

    void python4OverWebSocket() {
        serve();
        RawClient client = open("/socket.io/?transport=websocket&EIO=3&t=1606128000.7",
                                "Origin: http://localhost\r\n");
        converse(client, {hears("40"), says("2"), hears("3"),
                          says(R"(421["echo",{"b":{"_placeholder":false}}])"),
                          hears(R"(431[{"b":{"_placeholder":false}}])"), says("41"), says("1"),
                          hearsClose()});
        expectJournal(2, "/ null; / client namespace disconnect");
    }

private:
    std::string query;
};

CPPUNIT_TEST_SUITE_REGISTRATION(ClientReplayTest);

}  // namespace socketio
