// What clients that cannot be installed here put on the wire, byte for byte as their sources write
// it: handshakes, heartbeats, namespaces, acknowledgements, binary data, upgrades, goodbyes.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/JsonCodec.h"

#include "support/EngineClient.h"
#include "support/Journal.h"
#include "support/PacketClient.h"
#include "support/RawClient.h"
#include "support/TestServer.h"

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

class ClientReplayTest : public CppUnit::TestFixture {
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

    void start() {
        server = std::make_unique<TestServer>();
        for (const char* nsp : {"/", "/chat"}) {
            server->sio.on(
                "connect",
                [this](Socket& socket, const Environ& environ, const Value& auth) {
                    journal.add(socket.nsp() + " " + JsonCodec::encode(auth));
                    query = std::string(environ.query());
                },
                nsp);
            server->sio.on(
                "echo",
                [](Socket&, const Value::Array& values) {
                    return HandlerResult::acknowledge(values);
                },
                nsp);
            server->sio.on(
                "ask",
                [this](Socket& socket) {
                    socket.emit("question", Binary("\x01\x02"), [this](const Value::Array& values) {
                        journal.add("answer " + JsonCodec::encode(Value(values)));
                    });
                },
                nsp);
            server->sio.on(
                "give", [](Socket& socket) { socket.emit("given", Binary("\xfe\xff")); }, nsp);
            server->sio.on(
                "disconnect",
                [this](Socket& socket, DisconnectReason reason) {
                    journal.add(socket.nsp() + " " + std::string(toString(reason)));
                },
                nsp);
        }
        server->start();
        port = server->port();
    }

    /// Upgrades to WebSocket with the headers of the client; the open packet has been read.
    std::string open(RawClient& client, const std::string& target, const char* headers) {
        client.upgrade(target, headers);
        const std::string packet = client.readText();
        CPPUNIT_ASSERT_EQUAL("0{\"sid\":\""s, packet.substr(0, 9));
        return jsonString(packet, "sid");
    }
    static void expect(RawClient& client, std::string_view text) {
        CPPUNIT_ASSERT_EQUAL(std::string(text), client.readText());
    }
    static void expectBinary(RawClient& client, const std::string& bytes) {
        const RawFrame frame = client.readFrame();
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Binary), frame.opcode);
        CPPUNIT_ASSERT_EQUAL(bytes, frame.payload);
    }
    static void expectClosed(RawClient& client) {
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), client.readFrame().opcode);
    }
    static std::string body(const RawResponse& answer) {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.body, 200, answer.status);
        return answer.body;
    }
    void expectJournal(std::size_t lines, const std::string& text) {
        CPPUNIT_ASSERT_EQUAL(text, journal.waitFor(lines));
        journal.clear();
    }

public:
    void tearDown() override { server.reset(); }

    // ---- socket.io-client-swift

    /// 15.x, and 16.x with .version(.two): Starscream, forceWebsockets(true). Query parameters of
    /// the application follow; no cache buster. The main namespace is not asked for, others without
    /// a comma. NSJSONSerialization escapes slashes; ids of acknowledgements start with 0; the keys
    /// of a placeholder come in any order; the goodbye names the main namespace `/`.
    void swift15OverWebSocket() {
        start();
        RawClient client(port);
        open(client, "/socket.io/?transport=websocket&EIO=3&user=ann%20b",
             "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; "
             "server_max_window_bits=15\r\n"
             "Origin: http://localhost\r\n");
        expect(client, "40");
        expectJournal(1, "/ null");
        CPPUNIT_ASSERT_EQUAL("transport=websocket&EIO=3&user=ann%20b"s, query);
        client.sendText("40/chat");
        expect(client, "40/chat,");
        expectJournal(1, "/chat null");
        client.sendText("2");
        expect(client, "3");
        client.sendText(R"(420["echo","http:\/\/x\/",{"a":[1,null,true]}])");
        expect(client, R"(430["http://x/",{"a":[1,null,true]}])");
        client.sendText(R"(451-/chat,1["echo",{"num":0,"_placeholder":true}])");
        client.sendBinary("\x04\x01\x02\x03");
        expect(client, R"(461-/chat,1[{"_placeholder":true,"num":0}])");
        expectBinary(client, "\x04\x01\x02\x03");
        client.sendText(R"(42/chat,["ask"])");
        expect(client, R"(451-/chat,1["question",{"_placeholder":true,"num":0}])");
        expectBinary(client, "\x04\x01\x02");
        client.sendText("43/chat,1[\"Got it\"]");
        expectJournal(1, R"(answer ["Got it"])");
        client.sendText("41/chat");
        expectJournal(1, "/chat client namespace disconnect");
        client.sendText("41/");
        client.sendText("1");
        expectClosed(client);
        expectJournal(1, "/ client namespace disconnect");
    }

    /// The same clients by default: polling with b64=1 (always text), payloads with lengths in
    /// UTF-16 units, a noop posted to get the pending poll back (`1:6`) before `5` is sent.
    void swift15OverPollingAndUpgrade() {
        start();
        const std::string base = "/socket.io/?transport=polling&b64=1&EIO=3";
        const char* const headers = "Content-Type: text/plain; charset=UTF-8\r\n";
        RawClient getter(port), poster(port);
        std::string answer = body(getter.get(base));
        const std::string sid = jsonString(answer, "sid");
        const std::string target = base + "&sid=" + sid;
        if (answer.find("2:40") == answer.npos) answer += body(getter.get(target));
        CPPUNIT_ASSERT_EQUAL("2:40"s, answer.substr(answer.size() - 4));
        getter.request("GET", target);
        CPPUNIT_ASSERT_EQUAL("ok"s, body(poster.post(target, "7:40/chat", headers)));
        CPPUNIT_ASSERT_EQUAL("8:40/chat,"s, getter.readResponse().body);
        getter.request("GET", target);
        // Four characters, five UTF-16 units, seven bytes.
        CPPUNIT_ASSERT_EQUAL(
            "ok"s, body(poster.post(target, "18:420[\"echo\",\"a\xF0\x9F\x98\x80z\"]", headers)));
        CPPUNIT_ASSERT_EQUAL("11:430[\"a\xF0\x9F\x98\x80z\"]"s, getter.readResponse().body);
        // Binary: the event and `b4` with base64 in one POST.
        CPPUNIT_ASSERT_EQUAL(
            "ok"s, body(poster.post(target,
                                    textPayload({R"(451-1["echo",{"_placeholder":true,"num":0}])",
                                                 "b4AQIDBA=="}),
                                    headers)));
        answer = body(getter.get(target));
        CPPUNIT_ASSERT_EQUAL(textPayload({R"(461-1[{"_placeholder":true,"num":0}])", "b4AQIDBA=="}),
                             answer);
        getter.request("GET", target);
        RawClient socket(port);
        socket.upgrade("/socket.io/?transport=websocket&EIO=3&sid=" + sid);
        socket.sendText("2probe");
        expect(socket, "3probe");
        CPPUNIT_ASSERT_EQUAL("ok"s, body(poster.post(target, "1:6", headers)));
        CPPUNIT_ASSERT_EQUAL("1:6"s, body(getter.readResponse()));
        socket.sendText("5");
        socket.sendText(R"(422["echo","after"])");
        expect(socket, R"(432["after"])");
        socket.sendText("1");
        expectClosed(socket);
        CPPUNIT_ASSERT_EQUAL("/ null; /chat null; / transport close; /chat transport close"s,
                             journal.waitFor(4));
    }

    /// 16.x: every namespace is asked for with its comma, the main one as `/` with a comma, too;
    /// the connect payload follows. Pings are answered.
    void swift16OverWebSocket() {
        start();
        RawClient client(port);
        open(client, "/socket.io/?transport=websocket&EIO=4&user=ann",
             "Origin: http://localhost\r\n");
        client.sendText(R"(40/,{"token":"a\/b"})");
        CPPUNIT_ASSERT_EQUAL("40{\"sid\":\""s, client.readText().substr(0, 10));
        expectJournal(1, R"(/ {"token":"a/b"})");
        client.sendText("40/chat,");
        CPPUNIT_ASSERT_EQUAL("40/chat,{\"sid\":\""s, client.readText().substr(0, 16));
        expectJournal(1, "/chat null");
        client.sendText(R"(420["echo","x"])");
        expect(client, R"(430["x"])");
        client.sendText(
            R"(452-/chat,1["echo",{"a":{"num":0,"_placeholder":true}},{"num":1,"_placeholder":true}])");
        client.sendBinary("one");
        client.sendBinary("two");
        expect(client,
               R"(462-/chat,1[{"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}])");
        expectBinary(client, "one");
        expectBinary(client, "two");
        client.sendText(R"(42/chat,["ask"])");
        expect(client, R"(451-/chat,1["question",{"_placeholder":true,"num":0}])");
        expectBinary(client, "\x01\x02");
        client.sendText(R"(461-/chat,1[{"_placeholder":true,"num":0}])");
        client.sendBinary("b");
        CPPUNIT_ASSERT_EQUAL("answer"s, journal.waitFor(1).substr(0, 6));
        journal.clear();
        client.sendText("41/chat,");
        expectJournal(1, "/chat client namespace disconnect");
        client.sendText("41/,");
        client.sendText("1");
        expectClosed(client);
        expectJournal(1, "/ client namespace disconnect");
    }

    void swift16OverPollingAndUpgrade() {
        start();
        const std::string base = "/socket.io/?transport=polling&b64=1&EIO=4";
        const char* const headers = "Content-Type: text/plain; charset=UTF-8\r\n";
        RawClient getter(port), poster(port);
        const std::string sid = jsonString(body(getter.get(base)), "sid");
        const std::string target = base + "&sid=" + sid;
        getter.request("GET", target);
        CPPUNIT_ASSERT_EQUAL("ok"s, body(poster.post(target, "40/,", headers)));
        CPPUNIT_ASSERT_EQUAL("40{\"sid\":\""s, body(getter.readResponse()).substr(0, 10));
        getter.request("GET", target);
        CPPUNIT_ASSERT_EQUAL("ok"s,
                             body(poster.post(target,
                                              R"(451-0["echo",{"_placeholder":true,"num":0}])"
                                              "\x1e"
                                              "bAQIDBA==",
                                              headers)));
        CPPUNIT_ASSERT_EQUAL(R"(461-0[{"_placeholder":true,"num":0}])"
                             "\x1e"
                             "bAQIDBA=="s,
                             body(getter.readResponse()));
        getter.request("GET", target);
        RawClient socket(port);
        socket.upgrade("/socket.io/?transport=websocket&EIO=4&sid=" + sid);
        socket.sendText("2probe");
        expect(socket, "3probe");
        CPPUNIT_ASSERT_EQUAL("ok"s, body(poster.post(target, "6", headers)));
        CPPUNIT_ASSERT_EQUAL("6"s, body(getter.readResponse()));
        socket.sendText("5");
        socket.sendText(R"(421["echo","after"])");
        expect(socket, R"(431["after"])");
        socket.sendText("1");
        expectClosed(socket);
        expectJournal(2, "/ null; / transport close");
    }

    // ---- socket.io-client-java

    /// 1.x (engine.io-client-java 1.x, OkHttp): parameters in the order of a map, `t` as cache
    /// buster, no b64: answers may be binary. Content-Type only on POST. The query of a namespace
    /// stands behind its name. The poll is let run out before `5`.
    void java1OverPollingAndUpgrade() {
        start();
        const std::string base = "/socket.io/?EIO=3&transport=polling&t=P3b";
        const char* const accept =
            "Accept: */*\r\nConnection: Keep-Alive\r\nAccept-Encoding: gzip\r\n"
            "User-Agent: okhttp/3.12.12\r\n";
        const std::string text = "Content-Type: text/plain; charset=utf-8\r\n"s + accept;
        RawClient getter(port), poster(port);
        std::string answer = body(getter.get(base, accept));
        const std::string sid = jsonString(answer, "sid");
        const std::string target = base + "&sid=" + sid;
        if (answer.find("2:40") == answer.npos) answer += body(getter.get(target, accept));
        CPPUNIT_ASSERT_EQUAL("2:40"s, answer.substr(answer.size() - 4));
        expectJournal(1, "/ null");
        CPPUNIT_ASSERT_EQUAL("ok"s,
                             body(poster.post(target, textPayload({"40/chat?token=abc,"}), text)));
        CPPUNIT_ASSERT_EQUAL("8:40/chat,"s, body(getter.get(target, accept)));
        expectJournal(1, R"(/chat {"token":"abc"})");
        CPPUNIT_ASSERT_EQUAL("ok"s, body(poster.post(target, "1:2", text)));  // the client pings
        CPPUNIT_ASSERT_EQUAL("1:3"s, body(getter.get(target, accept)));
        // Several packets in one POST; ids start with 0.
        CPPUNIT_ASSERT_EQUAL(
            "ok"s, body(poster.post(
                       target, textPayload({R"(42/chat,0["echo",1])", R"(421["echo",2])"}), text)));
        answer = body(getter.get(target, accept));
        if (answer.find("431") == answer.npos) answer += body(getter.get(target, accept));
        CPPUNIT_ASSERT_EQUAL(textPayload({"43/chat,0[1]", "431[2]"}), answer);

        getter.request("GET", target, accept);
        RawClient socket(port);
        socket.upgrade("/socket.io/?EIO=3&transport=websocket&sid=" + sid, accept);
        socket.sendText("2probe");
        expect(socket, "3probe");
        CPPUNIT_ASSERT_EQUAL("1:6"s, body(getter.readResponse()));  // by itself
        socket.sendText("5");
        socket.sendText(R"(451-/chat,2["echo",{"_placeholder":true,"num":0}])");
        socket.sendBinary("\x04\x00\xff"s);
        expect(socket, R"(461-/chat,2[{"_placeholder":true,"num":0}])");
        expectBinary(socket, "\x04\x00\xff"s);
        socket.sendText("2");
        expect(socket, "3");
        socket.sendText("41/chat,");
        socket.sendText("41");
        socket.sendText("1");
        expectClosed(socket);
        expectJournal(2, "/chat client namespace disconnect; / client namespace disconnect");
    }

    /// As soon as one packet of a POST is binary the whole payload is, with the type
    /// application/octet-stream; a poll answer with binary packets comes in the same form.
    void java1SendsBinaryPayloads() {
        start();
        const std::string base = "/socket.io/?EIO=3&transport=polling&t=P3c";
        RawClient getter(port), poster(port);
        const std::string sid = jsonString(body(getter.get(base)), "sid");
        const std::string target = base + "&sid=" + sid;
        CPPUNIT_ASSERT_EQUAL("ok"s,
                             body(poster.post(target,
                                              binaryPacket(0,
                                                           "451-7[\"echo\",\"\xE2\x82\xAC\","
                                                           "{\"_placeholder\":true,\"num\":0}]") +
                                                  binaryPacket(1, "\x04\x01\x02\x03"),
                                              "Content-Type: application/octet-stream\r\n")));
        RawResponse answer = getter.get(target);
        if (answer.body == "2:40") answer = getter.get(target);
        CPPUNIT_ASSERT_EQUAL("application/octet-stream"s, answer.header("Content-Type"));
        // What was queued before may have come in this answer, too.
        const std::string expected = binaryPacket(0,
                                                  "461-7[\"\xE2\x82\xAC\","
                                                  "{\"_placeholder\":true,\"num\":0}]") +
                                     binaryPacket(1, "\x04\x01\x02\x03");
        CPPUNIT_ASSERT_EQUAL(expected, answer.body.substr(answer.body.size() - expected.size()));
        CPPUNIT_ASSERT_EQUAL("ok"s,
                             body(poster.post(target, binaryPacket(0, "1"),
                                              "Content-Type: application/octet-stream\r\n")));
        expectJournal(2, "/ null; / transport close");
    }

    /// 2.x: revision 4, auth in CONNECT, no query behind the namespace.
    void java2OverPollingAndUpgrade() {
        start();
        const std::string base = "/socket.io/?EIO=4&transport=polling&t=P3d";
        const std::string text =
            "Content-Type: text/plain;charset=UTF-8\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
            "User-Agent: okhttp/3.12.12\r\n";
        RawClient getter(port), poster(port);
        const std::string sid = jsonString(body(getter.get(base, "Accept: */*\r\n")), "sid");
        const std::string target = base + "&sid=" + sid;
        CPPUNIT_ASSERT_EQUAL("ok"s, body(poster.post(target,
                                                     "40{\"token\":\"t\"}\x1e"
                                                     "40/chat,",
                                                     text)));
        std::string answer = body(getter.get(target));
        if (answer.find("40/chat") == answer.npos) answer += "\x1e" + body(getter.get(target));
        CPPUNIT_ASSERT_EQUAL("40{\"sid\":\""s, answer.substr(0, 10));
        CPPUNIT_ASSERT(answer.find("\x1e"
                                   "40/chat,{\"sid\":\"") != answer.npos);
        expectJournal(2, R"(/ {"token":"t"}; /chat null)");
        CPPUNIT_ASSERT_EQUAL("ok"s,
                             body(poster.post(target,
                                              R"(451-/chat,0["echo",{"_placeholder":true,"num":0}])"
                                              "\x1e"
                                              "bAQIDBA==",
                                              text)));
        CPPUNIT_ASSERT_EQUAL(R"(461-/chat,0[{"_placeholder":true,"num":0}])"
                             "\x1e"
                             "bAQIDBA=="s,
                             body(getter.get(target)));
        getter.request("GET", target);
        RawClient socket(port);
        socket.upgrade("/socket.io/?EIO=4&transport=websocket&sid=" + sid,
                       "Accept-Encoding: gzip\r\nUser-Agent: okhttp/3.12.12\r\n");
        socket.sendText("2probe");
        expect(socket, "3probe");
        CPPUNIT_ASSERT_EQUAL("6"s, body(getter.readResponse()));
        socket.sendText("5");
        socket.sendText("42[\"give\"]");
        expect(socket, R"(451-["given",{"_placeholder":true,"num":0}])");
        expectBinary(socket, "\xfe\xff");
        socket.sendText("41/chat,");
        socket.sendText("41");
        socket.sendText("1");
        expectClosed(socket);
        expectJournal(2, "/chat client namespace disconnect; / client namespace disconnect");
    }

    // ---- socket.io-client-cpp

    /// 1.6 (websocketpp): WebSocket only, `t` in seconds, the application's query last. Namespaces
    /// without a comma when nothing follows; pings of its own; ids start with 1 and count over all
    /// namespaces; the goodbye is a DISCONNECT and a close frame.
    void cpp1OverWebSocket() {
        start();
        RawClient client(port);
        open(client, "/socket.io/?EIO=3&transport=websocket&t=1479114000&user=ann",
             "User-Agent: WebSocket++/0.7.0\r\n");
        expect(client, "40");
        client.sendText("40/chat");
        expect(client, "40/chat,");
        expectJournal(2, "/ null; /chat null");
        client.sendText("2");
        expect(client, "3");
        client.sendText(R"(421["echo","x",{"a":1.5}])");
        expect(client, R"(431["x",{"a":1.5}])");
        client.sendText(R"(451-/chat,2["echo",{"_placeholder":true,"num":0}])");
        client.sendBinary(
            "\x04"
            "abc");
        expect(client, R"(461-/chat,2[{"_placeholder":true,"num":0}])");
        expectBinary(client,
                     "\x04"
                     "abc");
        client.sendText(R"(42["ask"])");
        expect(client, R"(451-1["question",{"_placeholder":true,"num":0}])");
        expectBinary(client, "\x04\x01\x02");
        client.sendText("431[\"yes\"]");
        expectJournal(1, R"(answer ["yes"])");
        client.sendText("41/chat");
        client.sendText("41");
        client.sendClose(1000, "End by user");
        expectClosed(client);
        expectJournal(2, "/chat client namespace disconnect; / client namespace disconnect");
    }

    /// 2.x and 3.x: the same with revision 4, CONNECT with or without auth, no type byte before
    /// attachments. Pings are answered.
    void cpp3OverWebSocket() {
        start();
        RawClient client(port);
        open(client, "/socket.io/?EIO=4&transport=websocket&t=1671794000",
             "User-Agent: WebSocket++/0.8.2\r\n");
        client.sendText("40{\"token\":\"t\"}");
        CPPUNIT_ASSERT_EQUAL("40{\"sid\":\""s, client.readText().substr(0, 10));
        client.sendText("40/chat");
        CPPUNIT_ASSERT_EQUAL("40/chat,{\"sid\":\""s, client.readText().substr(0, 16));
        expectJournal(2, R"(/ {"token":"t"}; /chat null)");
        client.sendText(R"(42/chat,1["echo","x"])");
        expect(client, R"(43/chat,1["x"])");
        client.sendText(R"(451-2["echo",{"_placeholder":true,"num":0}])");
        client.sendBinary("abc");
        expect(client, R"(461-2[{"_placeholder":true,"num":0}])");
        expectBinary(client, "abc");
        client.sendText("41/chat");
        client.sendText("41");
        client.sendClose(1000, "End by user");
        expectClosed(client);
        expectJournal(2, "/chat client namespace disconnect; / client namespace disconnect");
    }

    // ---- socket_io_client (Dart)

    /// 1.x: transports are often set to ['websocket']. As the JavaScript client of its time; the
    /// headers of dart:io.
    void dart1OverWebSocket() {
        start();
        RawClient client(port);
        open(client, "/socket.io/?EIO=3&transport=websocket",
             "User-Agent: Dart/2.19 (dart:io)\r\nCache-Control: no-cache\r\n"
             "Accept-Encoding: gzip\r\nContent-Length: 0\r\n"
             "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
        expect(client, "40");
        client.sendText("40/chat,");
        expect(client, "40/chat,");
        expectJournal(2, "/ null; /chat null");
        client.sendText("2");
        expect(client, "3");
        client.sendText(R"(420["echo",{"a":"b"}])");
        expect(client, R"(430[{"a":"b"}])");
        client.sendText(R"(451-1["echo",{"_placeholder":true,"num":0}])");
        client.sendBinary("\x04\x09");
        expect(client, R"(461-1[{"_placeholder":true,"num":0}])");
        expectBinary(client, "\x04\x09");
        client.sendText("41/chat,");
        client.sendText("41");
        client.sendText("1");
        expectClosed(client);
        expectJournal(2, "/chat client namespace disconnect; / client namespace disconnect");
    }

    /// 2.x: revision 4.
    void dart2OverWebSocket() {
        start();
        RawClient client(port);
        open(client, "/socket.io/?EIO=4&transport=websocket",
             "User-Agent: Dart/3.2 (dart:io)\r\nCache-Control: no-cache\r\n"
             "Accept-Encoding: gzip\r\nContent-Length: 0\r\n"
             "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
        client.sendText("40");
        CPPUNIT_ASSERT_EQUAL("40{\"sid\":\""s, client.readText().substr(0, 10));
        client.sendText(R"(40/chat,{"token":"t"})");
        CPPUNIT_ASSERT_EQUAL("40/chat,{\"sid\":\""s, client.readText().substr(0, 16));
        expectJournal(2, R"(/ null; /chat {"token":"t"})");
        client.sendText(R"(42/chat,0["echo",[]])");
        expect(client, R"(43/chat,0[[]])");
        client.sendText("41/chat,");
        client.sendText("41");
        client.sendText("1");
        expectClosed(client);
        expectJournal(2, "/chat client namespace disconnect; / client namespace disconnect");
    }

    // ---- python-socketio 4.x

    /// python-engineio 3.x with requests: the query in this order, `t` with the time, always the
    /// binary form in POSTs; it reads either form. ids start with 1; a namespace without a comma
    /// when nothing follows.
    void python4OverPollingAndUpgrade() {
        start();
        const std::string base = "/socket.io/?transport=polling&EIO=3";
        const std::string common =
            "User-Agent: python-requests/2.25.1\r\nAccept-Encoding: gzip, deflate\r\n"
            "Accept: */*\r\nConnection: keep-alive\r\n";
        const std::string octets = common + "Content-Type: application/octet-stream\r\n";
        RawClient getter(port), poster(port);
        std::string answer = body(getter.get(base + "&t=1606128000.123", common));
        const std::string sid = jsonString(answer, "sid");
        const std::string target = base + "&sid=" + sid;
        if (answer.find("2:40") == answer.npos)
            answer += body(getter.get(target + "&t=1606128000.2", common));
        CPPUNIT_ASSERT_EQUAL("2:40"s, answer.substr(answer.size() - 4));
        CPPUNIT_ASSERT_EQUAL("ok"s, body(poster.post(target, binaryPacket(0, "40/chat"), octets)));
        CPPUNIT_ASSERT_EQUAL("8:40/chat,"s, body(getter.get(target + "&t=1606128000.3", common)));
        expectJournal(2, "/ null; /chat null");
        CPPUNIT_ASSERT_EQUAL("ok"s, body(poster.post(target, binaryPacket(0, "2"), octets)));
        CPPUNIT_ASSERT_EQUAL("1:3"s, body(getter.get(target + "&t=1606128000.4", common)));
        // json.dumps escapes everything beyond ASCII.
        CPPUNIT_ASSERT_EQUAL("ok"s,
                             body(poster.post(target,
                                              binaryPacket(0, R"(451-/chat,1["echo","\u20ac",)"
                                                              R"({"_placeholder":true,"num":0}])") +
                                                  binaryPacket(1, "\x04\x01\x02"),
                                              octets)));
        const RawResponse binary = getter.get(target + "&t=1606128000.5", common);
        CPPUNIT_ASSERT_EQUAL("application/octet-stream"s, binary.header("Content-Type"));
        CPPUNIT_ASSERT_EQUAL(binaryPacket(0,
                                          "461-/chat,1[\"\xE2\x82\xAC\","
                                          "{\"_placeholder\":true,\"num\":0}]") +
                                 binaryPacket(1, "\x04\x01\x02"),
                             binary.body);
        // It upgrades right after the handshake, without a poll that is pending.
        RawClient socket(port);
        socket.upgrade("/socket.io/?transport=websocket&EIO=3&sid=" + sid + "&t=1606128000.6",
                       "Origin: http://localhost\r\n");
        socket.sendText("2probe");
        expect(socket, "3probe");
        socket.sendText("5");
        socket.sendText("42[\"give\"]");
        expect(socket, R"(451-["given",{"_placeholder":true,"num":0}])");
        expectBinary(socket, "\x04\xfe\xff");
        socket.sendText("41/chat");
        socket.sendText("41");
        socket.sendText("1");
        expectClosed(socket);
        expectJournal(2, "/chat client namespace disconnect; / client namespace disconnect");
    }

    void python4OverWebSocket() {
        start();
        RawClient client(port);
        open(client, "/socket.io/?transport=websocket&EIO=3&t=1606128000.7",
             "Origin: http://localhost\r\n");
        expect(client, "40");
        client.sendText("2");
        expect(client, "3");
        client.sendText(R"(421["echo",{"b":{"_placeholder":false}}])");
        expect(client, R"(431[{"b":{"_placeholder":false}}])");
        client.sendText("41");
        client.sendText("1");
        expectClosed(client);
        expectJournal(2, "/ null; / client namespace disconnect");
    }

private:
    Journal journal;
    std::string query;
    std::unique_ptr<TestServer> server;
    std::uint16_t port = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(ClientReplayTest);

}  // namespace socketio
