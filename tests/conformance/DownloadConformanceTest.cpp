#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdlib.h>
#include <string>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>

#include "socketio/middleware/StaticFiles.h"

#include "support/PacketClient.h"
#include "support/RawClient.h"
#include "support/TestServer.h"

namespace socketio::test {

namespace {

/// Large files beside events, on a server with next to no workers.
class DownloadConformanceTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DownloadConformanceTest);
    CPPUNIT_TEST(downloadsThatAreNotReadKeepNobodyWaiting);
    CPPUNIT_TEST_SUITE_END();

    static constexpr std::size_t kFileBytes = 30'000'000;
    std::string _folder = (std::filesystem::temp_directory_path() / "download-XXXXXX").string();

public:
    void setUp() override {
        CPPUNIT_ASSERT(::mkdtemp(_folder.data()));
        std::ofstream file(_folder + "/large.bin", std::ios::binary);
        const std::string part(1'000'000, 'x');
        for (std::size_t i = 0; i < kFileBytes; i += part.size()) file << part;
    }
    void tearDown() override { std::filesystem::remove_all(_folder); }

    void downloadsThatAreNotReadKeepNobodyWaiting() {
        HttpServerOptions options;
        options.hub.keptWorkers = 1;
        options.hub.maxWorkers = 1;
        TestServer server({}, options, std::make_shared<StaticFiles>(_folder));
        server.sio.on("echo", [](Socket&, const Value& value) { return value; });
        server.start();

        std::vector<std::unique_ptr<RawClient>> readers;
        for (int i = 0; i < 4; ++i) {
            readers.push_back(std::make_unique<RawClient>(server.port()));
            readers.back()->send("GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
        }
        // Each has begun: its head is there.
        for (const auto& reader : readers) CPPUNIT_ASSERT_EQUAL(200, reader->readHead().status);
        for (const PacketClient::Way way : PacketClient::kWays)
            CPPUNIT_ASSERT(PacketClient::joined(server.port(), way).quiet());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DownloadConformanceTest);

}  // namespace

}  // namespace socketio::test
