#include "socketio/net/LoopContext.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <Poco/Exception.h>

#include "socketio/base/insist.h"
#include "socketio/net/WorkerPool.h"

#include "Acceptor.h"
#include "Failures.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;

constexpr int kEventsPerTurn = 128;        // so that nobody waits long for the flush
constexpr std::size_t kInlineBudget = 16;  // tasks of one client before others get their turn
/// Of strands in a turn, looked at after every kStrandsPerLook: what is to be sent must not wait
/// for all that has come.
constexpr Duration kStrandTime = 2ms;
constexpr unsigned kStrandsPerLook = 16;
/// Of sends in a turn, looked at after every kFlushesPerLook: who is answered now must not wait for
/// a broadcast to everybody.
constexpr Duration kFlushTime = 4ms;
constexpr std::size_t kFlushesPerLook = 16;
/// Of TLS handshakes in a turn: one costs as much as a hundred messages, and who has a session must
/// not wait for a crowd of newcomers.
constexpr Duration kHandshakeTime = 1ms;
constexpr int kUnsentBytes =
    65'536;  // TCP_NOTSENT_LOWAT: the backlog waits here, where it is shared

constexpr std::uintptr_t kAcceptorTag = 1;  // of pointers in epoll_event

thread_local LoopContext* currentLoop = nullptr;

void setOptions(int descriptor) {
    const int on = 1, unsent = kUnsentBytes;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

}  // namespace

LoopContext::LoopContext(Hub& hub, Executor::LoopId id, WorkerPool& workers)
    : _hub(hub),
      _id(id),
      _workers(workers),
      _epoll(::epoll_create1(EPOLL_CLOEXEC)),
      _timers(hub.clock()),
      _readBuffer(new char[kReadBufferBytes]),
      _scratch(new char[kScratchBytes]),
      _inline(hub.options().dispatch != Dispatch::Pool) {
    if (_epoll < 0) throw Poco::SystemException("epoll_create1", errno);
    epoll_event event{};
    // Edge-triggered and never read: a write tells once, whenever it comes. A poster may be held up
    // between deciding to wake the loop and writing.
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = nullptr;  // the mailbox
    if (::epoll_ctl(_epoll, EPOLL_CTL_ADD, _mailbox.descriptor(), &event) != 0)
        throw Poco::SystemException("epoll_ctl", errno);
}

LoopContext::~LoopContext() {
    _mailbox.close();
    _acceptors.clear();
    _connections.clear();
    ::close(_epoll);
}

LoopContext* LoopContext::current() { return currentLoop; }

void LoopContext::post(Task task, std::size_t bytes) {
    // Loops never wait for each other: two that did could wait for ever.
    if (currentLoop) {
        _mailbox.post(std::move(task), bytes, false);
    } else if (!_mailbox.tryPost(task, bytes)) {
        _workers.beginBlocking();  // a handler on a loop gives up the lead: it may be this loop's
        _mailbox.post(std::move(task), bytes, true);
        _workers.endBlocking();
    }
}

void LoopContext::stop() {
    post([this] { _stopping = true; });
}

bool LoopContext::lead() {
    currentLoop = this;
    while (!_stopping) {
        try {
            if (!turn()) return false;
        } catch (...) {
            reportFailure(_hub.counters(), "a turn of the loop ended early");
        }
    }
    _acceptors.clear();
    while (!_dirty.empty() || !_later.empty()) flushDirty();
    for (const auto& connection : _connections) connection->abort("server shutting down");
    while (!_graveyard.empty() || !_strands.empty()) {
        insist([this] {
            buryClosed();
            handOverStrands();
        });
    }
    _mailbox.close();
    currentLoop = nullptr;
    return true;
}

int LoopContext::sleepTime() const {
    const Duration next = _timers.untilNext();
    if (next == Duration::max()) return -1;
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(next).count();
    return static_cast<int>(std::min<long long>(milliseconds, 60'000));
}

// What goes wrong with one connection (no memory, most likely) ends that one alone.
template <class Work>
void LoopContext::guarded(Connection& connection, Work&& work) {
    try {
        work();
    } catch (...) {
        reportFailure(_hub.counters(), "a connection was closed");
        connection.abort("internal error");
    }
}

bool LoopContext::turn() {
    epoll_event events[kEventsPerTurn];
    const bool idle = _resumed.empty() && _graveyard.empty() && _dirty.empty() && _later.empty() &&
                      _strands.empty() && _handshakes.empty();
    const bool sleeping = idle && _mailbox.beginSleep();
    const int count = ::epoll_wait(_epoll, events, kEventsPerTurn, sleeping ? sleepTime() : 0);
    if (sleeping) _mailbox.endSleep();
    _turnTime = _timers.now();
    _strandsRun = 0;

    for (int i = 0; i < count; ++i) {
        const auto tagged = reinterpret_cast<std::uintptr_t>(events[i].data.ptr);
        if (tagged == 0) continue;
        if (tagged & kAcceptorTag) {
            reinterpret_cast<Acceptor*>(tagged & ~kAcceptorTag)->onReadable();
            continue;
        }
        auto& connection = *static_cast<Connection*>(events[i].data.ptr);
        guarded(connection, [&connection, ready = events[i].events] {
            if (ready & EPOLLOUT) connection.onWritable();
            if (ready & EPOLLIN)
                connection.onReadable();
            else if (ready & (EPOLLERR | EPOLLHUP))
                connection.onHangUp();
        });
    }
    if (!runStrands()) return false;
    if (!_handshakes.empty()) runHandshakes();
    runMailbox();
    _resuming.swap(_resumed);
    for (Connection* const connection : _resuming) {
        connection->_resumeQueued = false;
        guarded(*connection, [connection] { connection->deliver(nullptr, 0); });
    }
    _resuming.clear();
    _timers.advance();
    if (!runStrands()) return false;
    flushDirty();
    buryClosed();
    return true;
}

void LoopContext::handOverStrands() {
    _strands.erase(_strands.begin(),
                   _strands.begin() + static_cast<std::ptrdiff_t>(std::exchange(_nextStrand, 0)));
    _workers.schedule(_strands);
}

// Every strand is taken out before it runs, so that whoever takes the lead meanwhile finds the
// others. What handlers emit goes through the mailbox, even to this loop: nobody could tell them
// whether it is still theirs.
bool LoopContext::runStrands() {
    if (!_inline) {
        handOverStrands();
        return true;
    }
    if (_strandsRun == 0 && !_strands.empty()) _strandsEnd = Clock::system().now() + kStrandTime;
    while (_nextStrand < _strands.size()) {
        // What is in the mailbox comes first, and what waits to be sent; the rest has the next
        // turn.
        if (_strandsRun >= kStrandsPerLook && _strandsRun % kStrandsPerLook == 0 &&
            Clock::system().now() > _strandsEnd)
            return true;
        if (_mailbox.crowded()) return true;
        ++_strandsRun;
        std::shared_ptr<Strand> strand = std::move(_strands[_nextStrand++]);
        if (!_workers.enterHandler()) {
            _strands[--_nextStrand] = std::move(strand);
            handOverStrands();
            return true;
        }
        currentLoop = nullptr;
        Strand::Left left = Strand::Left::Tasks;
        try {
            left = strand->run(kInlineBudget);
        } catch (...) {
            reportFailure(_hub.counters(), "a task of a strand");
        }
        if (!_workers.leaveHandler()) {
            if (left != Strand::Left::Nothing) _workers.putBack(std::move(strand));
            return false;
        }
        currentLoop = this;
        if (left == Strand::Left::Nothing) continue;
        const bool deferred = left == Strand::Left::Deferred;
        if (deferred) _hub.counters().deferred.fetch_add(1, std::memory_order_relaxed);
        const bool passedOn = insist([&] {
            if (deferred)
                _workers.schedule(strand);
            else
                _strands.push_back(strand);
        });
        if (!passedOn) {  // no memory: the next turn tries it again
            _strands[--_nextStrand] = std::move(strand);
            return true;
        }
    }
    _strands.clear();
    _nextStrand = 0;
    return true;
}

TlsBuffers& LoopContext::tlsBuffers() {
    if (!_tlsBuffers) _tlsBuffers = std::make_unique<TlsBuffers>();
    return *_tlsBuffers;
}

void LoopContext::queueHandshake(Connection& connection) {
    if (std::exchange(connection._handshakeQueued, true)) return;
    _handshakes.push_back(&connection);
}

void LoopContext::runHandshakes() {
    const TimePoint end = Clock::system().now() + kHandshakeTime;
    do {
        Connection& connection = *_handshakes.front();
        _handshakes.pop_front();
        if (_pausedHandshakes > 0) --_pausedHandshakes;
        connection._handshakeQueued = connection._handshakePaused = false;
        guarded(connection, [&connection] { connection.stepHandshake(); });
    } while (!_handshakes.empty() && Clock::system().now() < end);
    // Those that wait would be reported ready in every turn, in place of others.
    for (; _pausedHandshakes < _handshakes.size(); ++_pausedHandshakes) {
        Connection& connection = *_handshakes[_pausedHandshakes];
        connection._handshakePaused = true;
        guarded(connection, [&connection] { connection.updateInterest(); });
    }
}

void LoopContext::forgetHandshake(Connection& connection) {
    const auto found = std::find(_handshakes.begin(), _handshakes.end(), &connection);
    if (found == _handshakes.end()) return;
    if (static_cast<std::size_t>(found - _handshakes.begin()) < _pausedHandshakes)
        --_pausedHandshakes;
    _handshakes.erase(found);
}

void LoopContext::runMailbox() {
    _mailbox.take(_tasks);
    for (Task& task : _tasks) {
        try {
            task();
        } catch (...) {
            reportFailure(_hub.counters(), "a posted task failed");
        }
        task = Task();
    }
    _tasks.clear();
}

// What was queued in this turn comes before what earlier ones have left, of which some is sent in
// every turn. A connection may be in both lists.
void LoopContext::flushDirty() {
    const bool many = _dirty.size() + _later.size() > kFlushesPerLook;
    const TimePoint end = many ? Clock::system().now() + kFlushTime : TimePoint::max();
    std::size_t flushed = 0;
    const auto late = [&] {
        return many && flushed > 0 && flushed % kFlushesPerLook == 0 && Clock::system().now() > end;
    };
    const auto flush = [&](Connection& connection) {
        ++flushed;
        guarded(connection, [&connection] { connection.flush(); });
    };
    // flush() may tell a protocol that all is sent, which may queue more: by index.
    std::size_t next = 0;
    for (; next < _dirty.size() && !late(); ++next) {
        _dirty[next]->_dirty = false;
        flush(*_dirty[next]);
    }
    for (; next < _dirty.size(); ++next) {
        Connection& connection = *_dirty[next];
        connection._dirty = false;
        if (!std::exchange(connection._later, true)) _later.push_back(&connection);
    }
    _dirty.clear();

    flushed = 0;
    for (next = 0; next < _later.size() && !late(); ++next) {
        _later[next]->_later = false;
        flush(*_later[next]);
    }
    _later.erase(_later.begin(), _later.begin() + static_cast<std::ptrdiff_t>(next));
}

void LoopContext::buryClosed() {
    for (std::size_t i = 0; i < _graveyard.size(); ++i) {
        Connection* const connection = _graveyard[i];
        const bool moved = !connection->_protocol;  // to another loop: this is its shell
        try {
            if (!moved) connection->_protocol->onClosed(connection->_closeDetail);
        } catch (...) {
            reportFailure(_hub.counters(), "the end of a connection");
        }
        if (!moved) _hub.counters().closed.fetch_add(1, std::memory_order_relaxed);
    }
    if (_graveyard.empty()) return;
    for (auto* const list : {&_dirty, &_later, &_resumed})
        std::erase_if(*list, [](const Connection* each) {
            return each->_state == Connection::State::Closed;
        });
    for (Connection* const connection : _graveyard) {
        if (connection->_handshakeQueued) forgetHandshake(*connection);
        const std::size_t slot = connection->_slot;
        if (slot + 1 != _connections.size()) {
            std::swap(_connections[slot], _connections.back());
            _connections[slot]->_slot = static_cast<std::uint32_t>(slot);
        }
        _connections.pop_back();
        _count.store(_connections.size(), std::memory_order_relaxed);
    }
    _graveyard.clear();
}

void LoopContext::watch(int descriptor, std::uint32_t events, void* who, bool acceptor,
                        bool added) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = acceptor ? static_cast<char*>(who) + kAcceptorTag : who;
    if (::epoll_ctl(_epoll, added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event) != 0)
        throw Poco::SystemException("epoll_ctl", errno);
}

void LoopContext::prepare(int descriptor) {
    ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
    setOptions(descriptor);
}

void LoopContext::unwatch(int descriptor) {
    ::epoll_ctl(_epoll, EPOLL_CTL_DEL, descriptor, nullptr);
}

void LoopContext::add(FileDescriptor descriptor, const Connection::Limits& limits,
                      std::shared_ptr<ConnectionProtocol> protocol) {
    auto connection =
        std::make_unique<Connection>(*this, descriptor.get(), std::move(protocol), limits);
    descriptor.release();
    adopt(std::move(connection));
}

// A connection must be able to end without memory.
void LoopContext::makeRoomForOne() {
    const std::size_t count = _connections.size() + 1;
    if (_graveyard.capacity() < count) _graveyard.reserve(count + count / 4);
}

void LoopContext::adopt(std::unique_ptr<Connection> owned) {
    makeRoomForOne();
    Connection& connection = *owned;
    connection._slot = static_cast<std::uint32_t>(_connections.size());
    _connections.push_back(std::move(owned));
    _count.store(_connections.size(), std::memory_order_relaxed);
    try {
        connection.updateInterest();
        connection._protocol->onOpen(connection);
        // What it brought along.
        if (connection.queuedBytes() > 0) connection.flushSoon();
        if (connection.hasPendingInput()) connection.resumeInput();
    } catch (...) {
        reportFailure(_hub.counters(), "a connection could not be opened");
        connection.abort("internal error");
    }
}

void LoopContext::addAcceptor(std::unique_ptr<Acceptor> acceptor) {
    acceptor->listen();
    _acceptors.push_back(std::move(acceptor));
}

void LoopContext::removeAcceptor(std::uint64_t id) {
    std::erase_if(_acceptors, [id](const auto& acceptor) { return acceptor->id() == id; });
}

std::size_t LoopContext::disposeIdle(std::size_t most) {
    const TimePoint now = _timers.now();
    std::size_t count = 0;
    for (const auto& connection : _connections) {
        if (count == most) break;
        if (!connection->isDisposable(now)) continue;
        connection->abort("descriptors ran out");
        ++count;
    }
    return count;
}

}  // namespace socketio
