#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "socketio/base/Executor.h"
#include "socketio/base/Limits.h"
#include "socketio/base/Mutex.h"
#include "socketio/base/Outbound.h"
#include "socketio/base/Strand.h"

#include "support/ManualExecutor.h"

namespace socketio::test {

/// Real threads: one loop and a few workers, for what blocks and what races.
class ThreadedExecutor : public Executor {
public:
    explicit ThreadedExecutor(int workers = 4, const Clock& clock = Clock::system())
        : _clock(clock), _timers(clock) {
        _threads.emplace_back([this] { loop(); });
        for (int i = 0; i < workers; ++i) _threads.emplace_back([this] { work(); });
    }
    ~ThreadedExecutor() override {
        {
            MutexLock lock(_mutex);
            _stop = true;
            _posted.notifyAll();
            _work.notifyAll();
        }
        for (std::thread& thread : _threads) thread.join();
    }

    LoopId loopCount() const override { return 1; }
    LoopId currentLoop() const override { return onLoop() ? 0 : kNoLoop; }
    void post(LoopId, Task task, std::size_t = 0) override {
        MutexLock lock(_mutex);
        _loopTasks.push_back(std::move(task));
        _posted.notifyAll();
    }
    Timers& timers(LoopId) override { return _timers; }
    const Clock& clock() const override { return _clock; }
    OutboundShare& outbound(LoopId) override { return _outbound; }
    LimitCounters& limits() override { return _limits; }
    bool runOnWorker(Task task) override {
        MutexLock lock(_mutex);
        _workerTasks.push_back(std::move(task));
        _work.notifyOne();
        return true;
    }
    void schedule(std::shared_ptr<Strand> strand) override {
        MutexLock lock(_mutex);
        _strands.push_back(std::move(strand));
        _work.notifyOne();
    }
    void describeWork(std::string_view) override {}
    void beginBlocking() override { ++blocked; }
    void endBlocking() override { --blocked; }

    /// Runs `function` on the loop and waits for it.
    template <class F>
    void onLoopThread(F&& function) {
        std::atomic<bool> done{false};
        post(0, [&] {
            function();
            done = true;
            done.notify_all();
        });
        done.wait(false);
    }

    std::atomic<int> blocked{0};

private:
    static bool& onLoop() {
        thread_local bool yes = false;
        return yes;
    }

    void loop() {
        onLoop() = true;
        MutexLock lock(_mutex);
        while (!_stop) {
            if (!_loopTasks.empty()) {
                Task task = std::move(_loopTasks.front());
                _loopTasks.pop_front();
                lock.unlock();
                task();
                task = Task();
                while (_timers.fireOne()) {
                }
                lock.lock();
                continue;
            }
            const TimePoint next = _timers.next();
            if (next == TimePoint::max())
                _posted.wait(_mutex);
            else
                _clock.waitUntil(_posted, _mutex, next);
            lock.unlock();
            while (_timers.fireOne()) {
            }
            lock.lock();
        }
    }

    void work() {
        MutexLock lock(_mutex);
        while (!_stop) {
            if (!_workerTasks.empty()) {
                Task task = std::move(_workerTasks.front());
                _workerTasks.pop_front();
                lock.unlock();
                task();
                task = Task();
                lock.lock();
            } else if (!_strands.empty()) {
                auto strand = std::move(_strands.front());
                _strands.pop_front();
                lock.unlock();
                if (strand->run(16) != Strand::Left::Nothing) schedule(strand);
                strand.reset();
                lock.lock();
            } else {
                _work.wait(_mutex);
            }
        }
    }

    Mutex _mutex;
    Condition _posted, _work;
    std::deque<Task> _loopTasks, _workerTasks;
    std::deque<std::shared_ptr<Strand>> _strands;
    const Clock& _clock;
    OutboundTotal _total{0, {}};
    OutboundShare _outbound{_total};
    LimitCounters _limits;
    FakeTimers _timers;  // on the loop
    std::vector<std::thread> _threads;
    bool _stop = false;
};

}  // namespace socketio::test
