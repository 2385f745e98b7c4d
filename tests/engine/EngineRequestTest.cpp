#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "EngineRequest.h"

namespace socketio {

class EngineRequestTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EngineRequestTest);
    CPPUNIT_TEST(readsWhatClientsSend);
    CPPUNIT_TEST(refusesContradictions);
    CPPUNIT_TEST(limitsTheParameters);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsWhatClientsSend() {
        const EngineRequest open = EngineRequest::parse("EIO=4&transport=polling&t=OxQ1.0&b64=1");
        CPPUNIT_ASSERT(open.revision == EngineRevision::V4);
        CPPUNIT_ASSERT(open.transport == EngineRequest::Transport::Polling);
        CPPUNIT_ASSERT(!open.hasSid && open.base64 && !open.jsonp);

        const EngineRequest upgrade =
            EngineRequest::parse("token=%26sid%3Dx&&EIO=%33&transport=web%73ocket&sid=a-_Z");
        CPPUNIT_ASSERT(upgrade.revision == EngineRevision::V3);
        CPPUNIT_ASSERT(upgrade.transport == EngineRequest::Transport::WebSocket);
        CPPUNIT_ASSERT(upgrade.hasSid);
        CPPUNIT_ASSERT_EQUAL(std::string("a-_Z"), upgrade.sid);

        const EngineRequest jsonp = EngineRequest::parse("EIO=3&transport=polling&j=12&sid=");
        CPPUNIT_ASSERT(jsonp.jsonp && !jsonp.hasSid);
        CPPUNIT_ASSERT_EQUAL(std::string("12"), jsonp.jsonpIndex);
        for (const char* bad : {"j=", "j=a1", "j=1%32", "j=12345678901", "j"}) {
            const EngineRequest request = EngineRequest::parse(bad);
            CPPUNIT_ASSERT_MESSAGE(bad, request.jsonp && request.jsonpIndex.empty());
        }
        CPPUNIT_ASSERT(!EngineRequest::parse("b64=0").base64);
        CPPUNIT_ASSERT(!EngineRequest::parse("b64").base64);
    }

    void refusesContradictions() {
        // Said twice alike is what some clients do whose user gave the parameter as well.
        CPPUNIT_ASSERT(EngineRequest::parse("EIO=4&EIO=4").revision == EngineRevision::V4);
        CPPUNIT_ASSERT(!EngineRequest::parse("EIO=4&EIO=3").revision);
        CPPUNIT_ASSERT(!EngineRequest::parse("EIO=3&EIO=4&EIO=3").revision);
        CPPUNIT_ASSERT(EngineRequest::parse("transport=polling&transport=websocket").transport ==
                       EngineRequest::Transport::Unknown);
        const EngineRequest twice = EngineRequest::parse("sid=a&sid=a");
        CPPUNIT_ASSERT(twice.hasSid && twice.sid.empty());
    }

    void limitsTheParameters() {
        std::string query = "EIO=4";
        for (std::size_t i = 1; i < 64; ++i) query += "&a";
        CPPUNIT_ASSERT(!EngineRequest::parse(query).tooMany);
        CPPUNIT_ASSERT(EngineRequest::parse(query + "&a").tooMany);
        CPPUNIT_ASSERT(!EngineRequest::parse(query + "&a", 65).tooMany);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EngineRequestTest);

}  // namespace socketio
