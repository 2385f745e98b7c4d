// kombu+redis://: the suite of all managers with a queue, and the real kombu on the other side.
#include <memory>
#include <string>

#include "socketio/managers/ManagerUrls.h"

#include "../KombuPeer.h"
#include "../PubSubSuite.h"
#include "../redis/RawRedis.h"
#include "KombuEnvelope.h"
#include "support/RedisServer.h"
#include "support/Waiting.h"

namespace socketio {

class KombuEnvelopeTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(KombuEnvelopeTest);
    CPPUNIT_TEST(unwrapsWhatItWraps);
    CPPUNIT_TEST(unwrapsPlainBodies);
    CPPUNIT_TEST(refusesWhatIsNone);
    CPPUNIT_TEST_SUITE_END();

public:
    void unwrapsWhatItWraps() {
        for (const std::string& each : {std::string(), std::string("{}"),
                                        std::string("\x80\0\xff", 3), std::string(999, 'x')})
            CPPUNIT_ASSERT(KombuEnvelope::unwrap(KombuEnvelope::wrap(each, "socketio\"")) == each);
    }
    void unwrapsPlainBodies() {
        CPPUNIT_ASSERT(KombuEnvelope::unwrap(R"({"body": "{}", "properties": {}})") == "{}");
        CPPUNIT_ASSERT(KombuEnvelope::unwrap(
                           R"({"properties": {"body_encoding": "base64"}, "body": "e30="})") ==
                       "{}");
    }
    void refusesWhatIsNone() {
        for (const char* each : {"", "x", "[]", "{}", R"({"body": 1})",
                                 R"({"body": "x", "properties": {"body_encoding": "rot13"}})",
                                 R"({"body": "!", "properties": {"body_encoding": "base64"}})",
                                 R"({"body": "e30=", "properties": {"body_encoding": 64}})"})
            CPPUNIT_ASSERT_MESSAGE(each, !KombuEnvelope::unwrap(each));
    }
};

class KombuRedisTest : public test::PubSubSuite {
    CPPUNIT_TEST_SUB_SUITE(KombuRedisTest, test::PubSubSuite);
    CPPUNIT_TEST(kombuHears);
    CPPUNIT_TEST(hearsKombu);
    CPPUNIT_TEST(ignoresWhatIsInNoEnvelope);
    CPPUNIT_TEST_SUITE_END();

public:
    std::shared_ptr<PubSubManager> makeManager(bool writeOnly, PubSubOptions options) override {
        return std::dynamic_pointer_cast<PubSubManager>(
            createManager("kombu+" + server.url(), "socketio", writeOnly, options));
    }
    void inject(const std::string& payload) override {
        raw.command({"PUBLISH", "/0.socketio", KombuEnvelope::wrap(payload, "socketio")});
    }

    void kombuHears() {
        for (const QueueDialect dialect : {QueueDialect::Json, QueueDialect::Pickle}) {
            const auto patterns = [&] { return raw.command({"PUBSUB", "NUMPAT"}).integer; };
            CPPUNIT_ASSERT(test::eventually([&] { return patterns() == 0; }));
            test::KombuPeer kombu({"hear", server.url(), "socketio", "1"});
            CPPUNIT_ASSERT(test::eventually([&] { return patterns() == 1; }));
            PubSubOptions options;
            options.dialect = dialect;
            const auto writer = makeManager(true, options);
            writer->emit("e", std::tuple{"\u00e9", Value::array({1})}, {.room = "r"});
            CPPUNIT_ASSERT(writer->flush(std::chrono::seconds(10)));
            const int status = kombu.wait();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(kombu.error(), 0, status);
            const std::string line = kombu.output().substr(6);
            const auto heard = JsonCodec::decode(std::string_view(line).substr(0, line.find('\n')));
            CPPUNIT_ASSERT_MESSAGE(line, heard.ok());
            const bool pickle = dialect == QueueDialect::Pickle;
            CPPUNIT_ASSERT((*heard)["kind"] == (pickle ? "bytes" : "str"));
            CPPUNIT_ASSERT((*heard)["type"] == (pickle ? "application/data" : "text/plain"));
            CPPUNIT_ASSERT_EQUAL(std::string("[\"\u00e9\",[1]]"),
                                 JsonCodec::encode((*heard)["message"]["data"]));
            CPPUNIT_ASSERT((*heard)["message"]["host_id"] == writer->hostId());
        }
    }

    void hearsKombu() {
        a().connect("x");
        for (const char* dialect : {"json", "pickle"}) {
            test::KombuPeer kombu({"say", server.url(), "socketio", dialect});
            const int status = kombu.wait();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(kombu.error(), 0, status);
            CPPUNIT_ASSERT_EQUAL(std::string("x:[\"said\",\"\u00e9\",2]\n||"),
                                 PubSubSuite::heard());
        }
    }

    void ignoresWhatIsInNoEnvelope() {
        a().connect("x");
        const auto before = a().manager->counters().ignored;
        raw.command({"PUBLISH", "/0.socketio",
                     R"({"method": "emit", "event": "e", "data": [], "namespace": "/"})"});
        CPPUNIT_ASSERT_EQUAL(std::string("||"), PubSubSuite::heard());
        CPPUNIT_ASSERT_EQUAL(before + 1, a().manager->counters().ignored);
    }

private:
    test::RedisServer server;
    test::RawRedis raw{server};
};

CPPUNIT_TEST_SUITE_REGISTRATION(KombuEnvelopeTest);
CPPUNIT_TEST_SUITE_REGISTRATION(KombuRedisTest);

}  // namespace socketio
