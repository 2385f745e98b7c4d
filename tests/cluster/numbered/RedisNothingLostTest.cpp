#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "socketio/managers/RedisManager.h"

#include "NothingLost.h"
#include "support/RedisServer.h"

namespace socketio::test {

class RedisNothingLostTest : public NothingLost {
    CPPUNIT_TEST_SUITE(RedisNothingLostTest);
    NOTHING_LOST_TESTS;
    CPPUNIT_TEST_SUITE_END();

    std::string broker() const override { return "Redis"; }
    std::shared_ptr<PubSubManager> makeManager() override {
        return std::make_shared<RedisManager>(_server.url());
    }

    RedisServer _server;
};
CPPUNIT_TEST_SUITE_REGISTRATION(RedisNothingLostTest);

namespace {

/// Between the manager and its server: spoils one of 10,000 deliveries.
class SpoilingSink : public PacketSink {
public:
    enum class Fault { None, Drop, Swap, Repeat };

    SpoilingSink(PacketSink& sink, Fault fault) : _sink(sink), _fault(fault) {}

    void deliver(std::vector<LocalSocketPtr> recipients, const std::string& nsp, const Value& data,
                 const AckCallback& callback) override {
        const std::size_t number = ++_count % 10'000;
        if (_fault == Fault::Drop && number == 5'000) return;
        if (_fault == Fault::Repeat && number == 5'000)
            _sink.deliver(recipients, nsp, data, callback);
        if (_fault == Fault::Swap && number == 5'000) {
            const MutexLock lock(_mutex);
            _late = data;
            _lateRecipients = std::move(recipients);
            return;
        }
        _sink.deliver(std::move(recipients), nsp, data, callback);
        const MutexLock lock(_mutex);
        // Behind the next one of the same stream.
        if (_lateRecipients.empty() || streamOf(_late) != streamOf(data)) return;
        _sink.deliver(std::move(_lateRecipients), nsp, _late, callback);
        _lateRecipients.clear();
    }
    void acknowledge(const LocalSocketPtr& socket, std::uint64_t id,
                     Value::Array arguments) override {
        _sink.acknowledge(socket, id, std::move(arguments));
    }
    void runCallback(AckCallback callback, std::optional<Value::Array> arguments) override {
        _sink.runCallback(std::move(callback), std::move(arguments));
    }
    void disconnect(const LocalSocketPtr& socket) override { _sink.disconnect(socket); }

private:
    static std::string streamOf(const Value& data) {
        const std::string& text = data[1].asString();
        return text.substr(0, text.find(':', text.find(':') + 1));
    }

    PacketSink& _sink;
    const Fault _fault;
    std::atomic<std::size_t> _count{0};
    Mutex _mutex;
    Value _late SOCKETIO_GUARDED_BY(_mutex);
    std::vector<LocalSocketPtr> _lateRecipients SOCKETIO_GUARDED_BY(_mutex);
};

class SpoilingManager : public RedisManager {
public:
    SpoilingManager(const std::string& url, SpoilingSink::Fault fault)
        : RedisManager(url), _fault(fault) {}
    ~SpoilingManager() override { shutdown(); }

    void setSink(PacketSink* sink) override {
        if (sink) _spoiling = std::make_unique<SpoilingSink>(*sink, _fault);
        RedisManager::setSink(sink ? _spoiling.get() : nullptr);
    }

private:
    const SpoilingSink::Fault _fault;
    std::unique_ptr<SpoilingSink> _spoiling;
};

}  // namespace

/// One server of three misbehaves, rarely: the checker of the whole cluster has to notice.
class SpoiledClusterTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SpoiledClusterTest);
    CPPUNIT_TEST(aDroppedMessageIsNoticed);
    CPPUNIT_TEST(aSwapIsNoticed);
    CPPUNIT_TEST(aRepetitionIsNoticed);
    CPPUNIT_TEST_SUITE_END();

public:
    // 20,000 broadcasts and the greetings: two deliveries of the spoiled server, to eight clients.
    static constexpr std::uint64_t kSpoiled = 2 * 8;

    void aDroppedMessageIsNoticed() {
        const Verdict verdict = after(SpoilingSink::Fault::Drop);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(verdict.text(), kSpoiled, verdict.lost);
        CPPUNIT_ASSERT(verdict.goodButForLosses());
    }
    void aSwapIsNoticed() {
        const Verdict verdict = after(SpoilingSink::Fault::Swap);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(verdict.text(), kSpoiled, verdict.reordered);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), verdict.lost + verdict.duplicated);
    }
    void aRepetitionIsNoticed() {
        const Verdict verdict = after(SpoilingSink::Fault::Repeat);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(verdict.text(), kSpoiled, verdict.duplicated);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), verdict.lost + verdict.reordered);
    }

private:
    Verdict after(SpoilingSink::Fault fault) {
        std::size_t made = 0;
        NumberedCluster cluster(
            [&] {
                return std::make_shared<SpoilingManager>(
                    _server.url(), ++made == 2 ? fault : SpoilingSink::Fault::None);
            },
            8);
        emitToAll(cluster, 20'000);
        CPPUNIT_ASSERT(cluster.fence());
        return cluster.messages().verdict();
    }

    RedisServer _server;
};
CPPUNIT_TEST_SUITE_REGISTRATION(SpoiledClusterTest);

}  // namespace socketio::test
