#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/net/TimerWheel.h"

#include "support/ManualExecutor.h"

namespace socketio {

using namespace std::chrono_literals;

class TimerWheelTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(TimerWheelTest);
    CPPUNIT_TEST(firesAtItsDeadlineAndNeverBefore);
    CPPUNIT_TEST(firesWithinOneTickWhateverTheDistance);
    CPPUNIT_TEST(aThousandRandomTimersFireOnceAndInTime);
    CPPUNIT_TEST(cancelsFromEveryPlaceInASlot);
    CPPUNIT_TEST(aCallbackMayCancelWhatIsDueWithIt);
    CPPUNIT_TEST(aCallbackMayArmItsOwnTimerAgain);
    CPPUNIT_TEST(aCallbackThatThrowsLosesNoOtherTimer);
    CPPUNIT_TEST(timersMayOutliveAWheelWhoseCallbackThrew);
    CPPUNIT_TEST(tellsHowLongTheLoopMaySleep);
    CPPUNIT_TEST(aLateLoopFiresEverythingThatIsDue);
    CPPUNIT_TEST_SUITE_END();

    struct Probe {
        explicit Probe(TimerWheel& owner) : wheel(owner), timer(fired, this) {}
        static void fired(void* self) {
            auto& probe = *static_cast<Probe*>(self);
            ++probe.count;
            probe.at = probe.wheel.now();
            if (probe.then) probe.then();
        }
        TimerWheel& wheel;
        Timer timer;
        int count = 0;
        TimePoint at{};
        std::function<void()> then;
    };

public:
    void firesAtItsDeadlineAndNeverBefore() {
        Probe probe(wheel);
        wheel.armAfter(probe.timer, 20ms);
        go(19ms);
        CPPUNIT_ASSERT_EQUAL(0, probe.count);
        go(1ms);
        CPPUNIT_ASSERT_EQUAL(1, probe.count);
        CPPUNIT_ASSERT(!probe.timer.armed());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), wheel.armed());
    }

    void firesWithinOneTickWhateverTheDistance() {
        // Across the borders of every level: 64, 64^2 and 64^3 ticks of 5 ms.
        for (const Duration distance :
             {Duration(1ms), Duration(319ms), Duration(320ms), Duration(321ms), Duration(20'479ms),
              Duration(20'480ms), Duration(20'485ms), Duration(45s), Duration(1'310'720ms),
              Duration(1h), Duration(24h)}) {
            go(7ms);
            Probe probe(wheel);
            const TimePoint deadline = clock.now() + distance;
            wheel.arm(probe.timer, deadline);
            while (probe.count == 0 && clock.now() < deadline + 1s) {
                const Duration sleep = wheel.untilNext();
                go(std::max<Duration>(sleep, 1ms));
            }
            CPPUNIT_ASSERT_EQUAL(1, probe.count);
            CPPUNIT_ASSERT(probe.at >= deadline);
            CPPUNIT_ASSERT(probe.at <= deadline + TimerWheel::kTick);
        }
    }

    void aThousandRandomTimersFireOnceAndInTime() {
        std::mt19937 random(7);
        std::vector<std::unique_ptr<Probe>> probes;
        std::vector<TimePoint> deadlines;
        for (int i = 0; i < 1000; ++i) {
            probes.push_back(std::make_unique<Probe>(wheel));
            deadlines.push_back(clock.now() + std::chrono::milliseconds(random() % 90'000));
            wheel.arm(probes.back()->timer, deadlines.back());
            if (i % 10 == 0) go(3ms);
        }
        for (int i = 0; i < 200; ++i) probes[i * 5]->timer.cancel();
        while (wheel.armed() > 0) go(1ms);
        for (int i = 0; i < 1000; ++i) {
            CPPUNIT_ASSERT_EQUAL(i % 5 == 0 && deadlines[i] > clock.now() ? 0 : probes[i]->count,
                                 probes[i]->count);
            if (i % 5 == 0) continue;
            CPPUNIT_ASSERT_EQUAL(1, probes[i]->count);
            CPPUNIT_ASSERT(probes[i]->at >= deadlines[i]);
            CPPUNIT_ASSERT(probes[i]->at <= deadlines[i] + TimerWheel::kTick + 3ms);
        }
    }

    void cancelsFromEveryPlaceInASlot() {
        for (int victim = 0; victim < 3; ++victim) {
            Probe probes[3] = {Probe(wheel), Probe(wheel), Probe(wheel)};
            for (Probe& probe : probes) wheel.armAfter(probe.timer, 500ms);
            probes[victim].timer.cancel();
            go(600ms);
            for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT_EQUAL(i == victim ? 0 : 1, probes[i].count);
        }
        CPPUNIT_ASSERT(wheel.untilNext() == Duration::max());
    }

    void aCallbackMayCancelWhatIsDueWithIt() {
        Probe first(wheel), second(wheel), third(wheel);
        for (Probe* probe : {&first, &second, &third}) {
            wheel.armAfter(probe->timer, 10ms);
            probe->then = [&] {
                for (Probe* other : {&first, &second, &third})
                    if (other->count == 0) other->timer.cancel();
            };
        }
        go(20ms);
        CPPUNIT_ASSERT_EQUAL(1, first.count + second.count + third.count);
    }

    void aCallbackMayArmItsOwnTimerAgain() {
        Probe probe(wheel);
        probe.then = [&] { wheel.armAfter(probe.timer, Duration::zero()); };
        wheel.armAfter(probe.timer, 5ms);
        for (int i = 0; i < 10; ++i) go(5ms);
        CPPUNIT_ASSERT(probe.count >= 5 && probe.count <= 10);
    }

    void aCallbackThatThrowsLosesNoOtherTimer() {
        Probe bad(wheel), first(wheel), second(wheel), third(wheel), later(wheel);
        bad.then = [] { throw std::runtime_error("a mistake"); };
        // In one slot the last one fires first.
        for (Probe* probe : {&third, &first, &bad, &second}) wheel.armAfter(probe->timer, 10ms);
        wheel.armAfter(later.timer, 1h);
        clock.advance(10ms);
        CPPUNIT_ASSERT_THROW(wheel.advance(), std::runtime_error);
        CPPUNIT_ASSERT_EQUAL(1, bad.count);
        CPPUNIT_ASSERT(wheel.untilNext() == Duration::zero());
        first.timer.cancel();  // what is left can be cancelled as ever
        wheel.armAfter(first.timer, Duration::zero());
        CPPUNIT_ASSERT_EQUAL(0, third.count);
        wheel.advance();
        CPPUNIT_ASSERT_EQUAL(1, second.count);
        CPPUNIT_ASSERT_EQUAL(1, third.count);
        go(5ms);
        CPPUNIT_ASSERT_EQUAL(1, first.count);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), wheel.armed());
        go(1h);
        CPPUNIT_ASSERT_EQUAL(1, later.count);
    }

    void timersMayOutliveAWheelWhoseCallbackThrew() {
        auto own = std::make_unique<TimerWheel>(clock);
        Probe first(*own), second(*own);
        for (Probe* probe : {&first, &second}) {
            probe->then = [] { throw std::runtime_error("a mistake"); };
            own->armAfter(probe->timer, 10ms);
        }
        clock.advance(10ms);
        CPPUNIT_ASSERT_THROW(own->advance(), std::runtime_error);
        own.reset();
        CPPUNIT_ASSERT(!first.timer.armed() && !second.timer.armed());
    }

    void tellsHowLongTheLoopMaySleep() {
        CPPUNIT_ASSERT(wheel.untilNext() == Duration::max());
        Probe probe(wheel);
        wheel.armAfter(probe.timer, 100ms);
        CPPUNIT_ASSERT(wheel.untilNext() >= 100ms - TimerWheel::kTick);
        CPPUNIT_ASSERT(wheel.untilNext() <= 105ms);
    }

    void aLateLoopFiresEverythingThatIsDue() {
        Probe near(wheel), far(wheel), later(wheel);
        wheel.armAfter(near.timer, 10ms);
        wheel.armAfter(far.timer, 30s);
        wheel.armAfter(later.timer, 2h);
        go(1h);
        CPPUNIT_ASSERT_EQUAL(1, near.count);
        CPPUNIT_ASSERT_EQUAL(1, far.count);
        CPPUNIT_ASSERT_EQUAL(0, later.count);
        go(1h + 5ms);
        CPPUNIT_ASSERT_EQUAL(1, later.count);
    }

private:
    void go(Duration time) {
        clock.advance(time);
        wheel.advance();
    }

    test::FakeClock clock;
    TimerWheel wheel{clock};
};

CPPUNIT_TEST_SUITE_REGISTRATION(TimerWheelTest);

}  // namespace socketio
