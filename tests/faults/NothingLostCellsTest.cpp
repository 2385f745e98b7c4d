// N0: in a steady session nothing is lost, doubled, swapped or changed, whatever carries it.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "FaultServer.h"
#include "NginxInFront.h"
#include "NumberedCell.h"

namespace socketio::test {

using Transport = NumberedSession::Transport;

/// A server, and in front of its FastCGI side nginx with TLS.
///
/// SOCKETIO_CELL_MESSAGES in the environment is the number of messages per cell.
class NothingLostCellsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(NothingLostCellsTest);
    CPPUNIT_TEST(webSocketPlain);
    CPPUNIT_TEST(webSocketTls);
    CPPUNIT_TEST(pollingPlain);
    CPPUNIT_TEST(pollingTls);
    CPPUNIT_TEST(fastCgiPlain);
    CPPUNIT_TEST(fastCgiBehindTls);
    CPPUNIT_TEST_SUITE_END();

public:
    void webSocketPlain() { cells(Transport::WebSocket, server().port(), false); }
    void webSocketTls() { cells(Transport::WebSocket, server().tlsPort(), true); }
    void pollingPlain() { cells(Transport::Polling, server().port(), false); }
    void pollingTls() { cells(Transport::Polling, server().tlsPort(), true); }
    void fastCgiPlain() { cells(Transport::FastCgi, server().fastCgiPort(), false); }
    void fastCgiBehindTls() {
        NginxInFront nginx(server().fastCgiPort(), server().certificates());
        cells(Transport::Polling, nginx.port(), true, "FastCGI behind nginx, ");
    }

    void tearDown() override {
        if (_server) CPPUNIT_ASSERT_EQUAL(0, _server->stop());
        _server.reset();
    }

private:
    FaultServer& server() {
        FaultServer::Options options;
        // Sixteen of the messages are less than the default.
        options.settings = {"engine.compressionThreshold=200"};
        if (!_server) _server = std::make_unique<FaultServer>(options);
        return *_server;
    }

    void cells(Transport transport, std::uint16_t port, bool tls, const char* inFront = "") {
        NumberedCell cell;
        cell.inFront = inFront;
        cell.port = port;
        cell.messages = fromEnvironment("SOCKETIO_CELL_MESSAGES", 20'000);
        cell.way.transport = transport;
        if (tls)
            cell.way.connection.tls = std::make_shared<TlsClientContext>(
                TlsClientContext::Options{server().certificates().ca()});
        for (const bool binary : {false, true}) {
            cell.way.binary = binary;
            cell.way.encoding.clear();
            cell.direction = NumberedCell::Direction::Up;
            run(cell);
            cell.direction = NumberedCell::Direction::Down;
            run(cell);
            if (transport == Transport::WebSocket) continue;
            for (const char* const encoding : {"gzip", "deflate"}) {
                cell.way.encoding = encoding;
                run(cell);
            }
        }
    }

    void run(const NumberedCell& cell) {
        const NumberedCell::Result result = cell.run(server());
        const Verdict& verdict = result.verdict;
        std::printf("%s: %s messages, %s receipts in %.2f s\n", cell.name().c_str(),
                    withCommas(verdict.attempted).c_str(), withCommas(verdict.received).c_str(),
                    result.seconds);
        CPPUNIT_ASSERT_MESSAGE(cell.name() + ": " + verdict.text(), verdict.good());
        CPPUNIT_ASSERT_EQUAL_MESSAGE(cell.name(), std::uint64_t(cell.messages), verdict.attempted);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(cell.name(), std::uint64_t(0), result.ended);
        // Those that hold a single message may be too small.
        if (cell.way.encoding.empty())
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), result.compressed);
        else
            CPPUNIT_ASSERT_MESSAGE(cell.name(), result.compressed > result.answers / 2);
    }

    std::unique_ptr<FaultServer> _server;
};
CPPUNIT_TEST_SUITE_REGISTRATION(NothingLostCellsTest);

/// A server that is not what it should be is found out.
class CheckerMutantsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CheckerMutantsTest);
    CPPUNIT_TEST(aServerThatDropsOneInTenThousand);
    CPPUNIT_TEST(aServerThatSwapsTwo);
    CPPUNIT_TEST_SUITE_END();

public:
    void aServerThatDropsOneInTenThousand() {
        const Verdict verdict = after("drop 10000");
        CPPUNIT_ASSERT(!verdict.good());
        CPPUNIT_ASSERT_EQUAL_MESSAGE(verdict.text(), std::uint64_t(0), verdict.reordered);
        // A message to one, or to each of four.
        CPPUNIT_ASSERT_MESSAGE(verdict.text(), verdict.lost >= 2 && verdict.lost <= 8);
    }
    void aServerThatSwapsTwo() {
        const Verdict verdict = after("swap 15000");
        CPPUNIT_ASSERT(!verdict.good());
        CPPUNIT_ASSERT_EQUAL_MESSAGE(verdict.text(), std::uint64_t(0), verdict.lost);
        CPPUNIT_ASSERT_MESSAGE(verdict.text(), verdict.reordered >= 1 && verdict.reordered <= 4);
    }

private:
    static Verdict after(const std::string& mutant) {
        FaultServer::Options options;
        options.settings = {"app.mutant=" + mutant};
        FaultServer server(options);
        NumberedCell cell;
        cell.port = server.port();
        cell.way.transport = Transport::WebSocket;
        return cell.run(server).verdict;
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CheckerMutantsTest);

}  // namespace socketio::test
