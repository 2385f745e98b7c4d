#include <atomic>
#include <thread>

#include "socketio/managers/MemoryManager.h"

#include "ManagerSuite.h"

namespace socketio {

class MemoryManagerTest : public test::ManagerSuite {
    CPPUNIT_TEST_SUB_SUITE(MemoryManagerTest, test::ManagerSuite);
    CPPUNIT_TEST(aJoinThatHasReturnedIsSeenByEveryLaterEmit);
    CPPUNIT_TEST_SUITE_END();

public:
    std::shared_ptr<ClientManager> makeManager() override {
        return std::make_shared<MemoryManager>();
    }

    void aJoinThatHasReturnedIsSeenByEveryLaterEmit() {
        // Two threads join, check and leave while a third changes the same tables.
        std::atomic<bool> stop{false};
        std::atomic<int> wrong{0};
        std::thread churn([&] {
            for (int i = 0; !stop; ++i) {
                const std::string sid = "churn" + std::to_string(i % 100);
                connect(sid);
                manager->enterRoom(sid, "/", "shared");
                manager->disconnect(sid, "/");
            }
        });
        std::vector<std::thread> threads;
        for (const char* sid : {"one", "two"}) {
            connect(sid);
            threads.emplace_back([&, name = std::string(sid)] {
                const auto isIn = [&] {
                    for (const LocalSocketPtr& each : manager->getParticipants("/", "shared"))
                        if (each->sid() == name) return true;
                    return false;
                };
                for (int i = 0; i < 2000; ++i) {
                    manager->enterRoom(name, "/", "shared");
                    if (!isIn()) ++wrong;
                    manager->leaveRoom(name, "/", "shared");
                    if (isIn()) ++wrong;
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        stop = true;
        churn.join();
        CPPUNIT_ASSERT_EQUAL(0, wrong.load());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MemoryManagerTest);

}  // namespace socketio
