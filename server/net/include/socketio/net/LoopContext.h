#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "socketio/base/Executor.h"
#include "socketio/base/FileDescriptor.h"
#include "socketio/base/Strand.h"
#include "socketio/net/Hub.h"
#include "socketio/net/Mailbox.h"
#include "socketio/net/TimerWheel.h"
#include "socketio/net/WorkerPool.h"

namespace socketio {

class Acceptor;

/// One epoll loop and the connections that belong to it.
///
/// A turn: wait; read and parse what has come, which fills strands; run the strands, or give them
/// to the workers in one batch; run what the mailbox holds; fire timers; one gathered send for
/// every connection that got output; bury what was closed.
///
/// Owner:   Hub. Threads: confined to the thread that leads it, except post(), stop() and
///          connectionCount(). While a handler runs, the thread may lose the lead at any moment: it
///          counts as a thread of the application then, and touches nothing here.
class LoopContext : public WorkerPool::Loop {
public:
    LoopContext(Hub& hub, Executor::LoopId id, WorkerPool& workers);
    ~LoopContext() override;

    bool lead() override;
    void post(Task task, std::size_t bytes = 0);
    /// Closes every connection and ends run().
    void stop();

    Executor::LoopId id() const { return _id; }
    Hub& hub() { return _hub; }
    TimerWheel& timers() { return _timers; }
    /// When this turn began: the time without asking the clock for every connection.
    TimePoint turnTime() const { return _turnTime; }
    static LoopContext* current();

    void schedule(std::shared_ptr<Strand> strand) { _strands.push_back(std::move(strand)); }

    /// Takes over an accepted descriptor; closes it when it throws.
    void add(FileDescriptor descriptor, const Connection::Limits& limits,
             std::shared_ptr<ConnectionProtocol> protocol);
    /// Takes over a connection that another loop has let go of.
    void adopt(std::unique_ptr<Connection> connection);
    std::size_t connectionCount() const { return _count.load(std::memory_order_relaxed); }

    void addAcceptor(std::unique_ptr<Acceptor> acceptor);
    void removeAcceptor(std::uint64_t id);
    /// Closes up to `most` connections that may be closed to make room; how many it was.
    std::size_t disposeIdle(std::size_t most);

    // For connections and acceptors.
    void watch(int descriptor, std::uint32_t events, void* who, bool acceptor, bool added);
    /// Sets what every stream socket here has: not blocking, no delay, little unsent.
    static void prepare(int descriptor);
    /// Before it is closed, or lives on elsewhere.
    void unwatch(int descriptor);
    void markDirty(Connection& connection) { _dirty.push_back(&connection); }
    void resume(Connection& connection) { _resumed.push_back(&connection); }
    void bury(Connection& connection) { _graveyard.push_back(&connection); }
    /// Has a TLS handshake go on, in this turn unless there have been enough of them.
    void queueHandshake(Connection& connection);
    TlsBuffers& tlsBuffers();
    char* readBuffer() { return _readBuffer.get(); }
    char* scratch() { return _scratch.get(); }

    static constexpr std::size_t kReadBufferBytes = 256 * 1024;
    static constexpr std::size_t kScratchBytes = 256 * 1024;

private:
    // False: the lead is lost, and nothing here is to be touched.
    bool turn();
    bool runStrands();
    template <class Work>
    void guarded(Connection& connection, Work&& work);
    void handOverStrands();
    void runMailbox();
    void runHandshakes();
    void forgetHandshake(Connection& connection);
    void flushDirty();
    void buryClosed();
    void makeRoomForOne();
    int sleepTime() const;

    Hub& _hub;
    const Executor::LoopId _id;
    WorkerPool& _workers;
    const int _epoll;
    Mailbox _mailbox;
    TimerWheel _timers;
    std::unique_ptr<char[]> _readBuffer;
    std::unique_ptr<char[]> _scratch;
    TimePoint _turnTime{};
    std::vector<std::unique_ptr<Connection>> _connections;
    std::vector<std::unique_ptr<Acceptor>> _acceptors;
    std::vector<Task> _tasks;
    std::vector<std::shared_ptr<Strand>> _strands;  // those before _nextStrand have been taken
    std::size_t _nextStrand = 0;
    unsigned _strandsRun = 0;         // in this turn
    TimePoint _strandsEnd{};          // when the others have to wait for the next
    const bool _inline;               // handlers run here
    std::vector<Connection*> _dirty;  // output since the last flush
    std::vector<Connection*> _later;  // the same, and had no time in earlier turns
    std::vector<Connection*> _resumed;
    std::vector<Connection*> _resuming;
    std::vector<Connection*> _graveyard;  // with room for every connection: its end must not fail
    std::deque<Connection*> _handshakes;  // whose peers have sent a step
    std::size_t _pausedHandshakes = 0;    // at the front: had to wait, and are not read
    std::unique_ptr<TlsBuffers> _tlsBuffers;  // from the first TLS connection on
    std::atomic<std::size_t> _count{0};
    bool _stopping = false;
};

}  // namespace socketio
