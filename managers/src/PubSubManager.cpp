#include "socketio/managers/PubSubManager.h"

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include <Poco/Exception.h>

#include "socketio/base/Mutex.h"
#include "socketio/base/SignalsBlocked.h"

#include "QueueMessage.h"

namespace socketio {

namespace {

constexpr std::size_t kMaxHosts = 1'000;  // whose numbers are remembered
// Applied in one go, so that the loops are woken once for all of it.
constexpr std::size_t kGoMessages = 64;
constexpr std::size_t kGoBytes = 64 * 1024;

std::string makeHostId() {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::random_device random;
    std::string id;
    for (int word = 0; word < 4; ++word)
        for (std::uint32_t bits = random(), i = 0; i < 8; ++i) id += kDigits[bits >> 4 * i & 15];
    return id;
}

std::string quoted(std::string_view text) { return '"' + escapedForLog(text, 100) + '"'; }

}  // namespace

/// What has to live as long as a callback that a client still owes, and the tables behind it.
///
/// Locks: _lifeMutex before all; the others are never held together, and none of them while code of
///        a sink runs.
class PubSubManager::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(PubSubManager& manager, std::string channelName, bool onlyWrites, PubSubOptions given)
        : channel(std::move(channelName)),
          writeOnly(onlyWrites),
          options(given),
          hostId(makeHostId()),
          _manager(manager) {}

    const std::string channel;
    const bool writeOnly;
    const PubSubOptions options;
    const std::string hostId;
    const Log log{"socketio.manager"};

    struct {
        std::atomic<std::uint64_t> published{0}, publishDropped{0}, received{0}, receiveDropped{0},
            ignored{0}, missed{0}, reconnects{0};
    } counters;

    // ---- life
    void start();
    void shutdown();
    bool started() const { return _life.load(std::memory_order_acquire) == Life::Started; }

    // ---- out
    void publish(QueueMessage::Method method, std::string text);
    void publish(const QueueMessage& message);
    void emit(const std::string& nsp, const Value& data, const EmitTarget& target,
              const AckCallback& callback);
    void countDropped(std::size_t messages);

    // ---- in
    void receive(std::vector<std::string> payloads);

    // ---- what the broker said
    std::string lastError() const {
        MutexLock lock(_errorMutex);
        return _lastError;
    }
    void setLastError(std::string error) {
        MutexLock lock(_errorMutex);
        _lastError = std::move(error);
    }

private:
    enum class Life : std::uint8_t { Idle, Started, Ended };

    /// An emit of ours whose answer may come from another server.
    struct Pending {
        std::string room, nsp;
        AckCallback callback;
        TimePoint deadline;
    };
    using Callbacks = std::vector<AckCallback>;

    // ---- callbacks
    std::int64_t addPending(Pending pending);
    void complete(std::int64_t id, std::optional<Value::Array> values,
                  const QueueMessage* answer = nullptr);
    Callbacks takeOverdue(TimePoint now) SOCKETIO_REQUIRES(_mutex);
    void letGo(Callbacks callbacks);
    AckCallback answerTo(const QueueMessage& message);
    void answer(QueueMessage callback, const Value::Array& values);

    // ---- the applier
    void run();
    std::optional<QueueMessage> read(std::string_view payload);
    void apply(QueueMessage& message);
    void perform(QueueMessage& message);
    bool isNew(const std::string& host, std::uint64_t sequence);
    void endApplier();

    void ignore(std::string_view why, std::uint64_t messages = 1);
    /// `line` makes the text, when its turn has come.
    template <class Line>
    void report(LogThrottle& throttle, const Line& line) {
        if (const auto leftOut = throttle.pass(options.clock->now()))
            log.warning("channel " + quoted(channel) + ": " + line() + LogThrottle::more(*leftOut));
    }

    PubSubManager& _manager;

    Mutex _lifeMutex;
    std::atomic<Life> _life{Life::Idle};  // set under _lifeMutex
    std::thread _applier;                 // guarded by _lifeMutex

    Mutex _publishMutex;  // held while the backend queues a message: the order is that of numbers
    std::uint64_t _sequence SOCKETIO_GUARDED_BY(_publishMutex) = 0;
    bool _publishing SOCKETIO_GUARDED_BY(_publishMutex) = false;

    Mutex _mutex;  // a leaf
    Condition _changed;
    std::deque<std::string> _inbox SOCKETIO_GUARDED_BY(_mutex);
    std::size_t _inboxBytes SOCKETIO_GUARDED_BY(_mutex) = 0;
    std::unordered_map<std::int64_t, Pending> _pending SOCKETIO_GUARDED_BY(_mutex);
    std::set<std::pair<TimePoint, std::int64_t>> _deadlines SOCKETIO_GUARDED_BY(_mutex);
    std::int64_t _lastId SOCKETIO_GUARDED_BY(_mutex) = 0;
    bool _ending SOCKETIO_GUARDED_BY(_mutex) = false;

    struct Host {
        std::uint64_t sequence = 0;  // the last that came
        std::uint64_t heard = 0;     // when, counted in messages
    };
    std::unordered_map<std::string, Host> _hosts;  // the applier's
    std::uint64_t _heard = 0;                      // the applier's

    mutable Mutex _errorMutex;  // a leaf
    std::string _lastError SOCKETIO_GUARDED_BY(_errorMutex);

    static constexpr std::chrono::seconds kLogInterval{10};
    LogThrottle _ignoredLog{kLogInterval}, _fullLog{kLogInterval}, _droppedLog{kLogInterval},
        _binaryLog{kLogInterval};
};

// ---- life ---------------------------------------------------------------------------------------

void PubSubManager::Impl::start() {
    if (_life.load(std::memory_order_acquire) != Life::Idle) return;
    MutexLock lock(_lifeMutex);
    if (_life.load() != Life::Idle) return;
    if (!writeOnly) {
        const SignalsBlocked blocked;
        _applier = std::thread([this] { run(); });
    }
    try {
        _manager.start();
    } catch (...) {
        endApplier();
        throw;
    }
    {
        MutexLock publishing(_publishMutex);
        _publishing = true;
    }
    _life.store(Life::Started, std::memory_order_release);
}

void PubSubManager::Impl::shutdown() {
    MutexLock lock(_lifeMutex);
    const Life before = _life.exchange(Life::Ended);
    if (before == Life::Ended) return;
    {
        MutexLock publishing(_publishMutex);
        _publishing = false;
    }
    if (before == Life::Started) {
        _manager.stop();
        endApplier();
    }
    Callbacks left;
    {
        MutexLock pending(_mutex);
        left = takeOverdue(TimePoint::max());
    }
    letGo(std::move(left));
}

void PubSubManager::Impl::endApplier() {
    if (!_applier.joinable()) return;
    {
        MutexLock lock(_mutex);
        _ending = true;
        _changed.notifyAll();
    }
    _applier.join();
    MutexLock lock(_mutex);
    _ending = false;
}

// ---- out ----------------------------------------------------------------------------------------

void PubSubManager::Impl::publish(QueueMessage::Method method, std::string text) {
    start();
    MutexLock lock(_publishMutex);
    if (!_publishing) return;  // it was shut down
    QueueMessage::finish(text, options.dialect, method, ++_sequence, hostId);
    if (_manager.publish(std::move(text))) return;
    lock.unlock();
    countDropped(1);
}

void PubSubManager::Impl::publish(const QueueMessage& message) {
    publish(message.method, *message.encode(options.dialect, {}));
}

void PubSubManager::Impl::countDropped(std::size_t messages) {
    counters.publishDropped.fetch_add(messages, std::memory_order_relaxed);
    report(_droppedLog, [this] {
        const std::string error = lastError();
        return "messages to other servers are lost" +
               (error.empty() ? std::string() : ": " + escapedForLog(error, 300));
    });
}

void PubSubManager::Impl::emit(const std::string& nsp, const Value& data, const EmitTarget& target,
                               const AckCallback& callback) {
    QueueMessage message;
    message.nsp = nsp;
    message.rooms = target.rooms;
    message.skipSids = target.skipSids;
    // A client of this server answers as if there were no other: so call() works in its handlers.
    const bool apart = callback && !_manager.find(target.rooms.front(), nsp);
    if (apart) {
        message.callbackRoom = target.rooms.front();
        message.callbackNsp = nsp;
        message.id = addPending(
            {message.callbackRoom, nsp, callback, options.clock->now() + target.ackTimeout});
    }
    try {
        // First the message, as it is the one that finds out whether the data has a form.
        auto text = message.encode(options.dialect, data);
        if (!text)
            throw Poco::InvalidArgumentException("emit(): the event " + quoted(data[0].asString()) +
                                                 " cannot be sent: " + text.error().detail);
        AckCallback local = callback;
        if (apart)
            local = [impl = weak_from_this(), id = *message.id](const Value::Array& values) {
                if (const auto self = impl.lock()) self->complete(id, values);
            };
        _manager.MemoryManager::emitTo(nsp, data, target, local);
        publish(message.method, std::move(*text));
    } catch (...) {
        if (apart) complete(*message.id, std::nullopt);
        throw;
    }
}

// ---- callbacks ----------------------------------------------------------------------------------

std::int64_t PubSubManager::Impl::addPending(Pending pending) {
    MutexLock lock(_mutex);
    if (_pending.size() >= options.pendingCallbacks)
        throw Poco::PoolOverflowException(
            "emit(): too many callbacks wait for other servers' answers");
    const std::int64_t id = ++_lastId;
    const auto added = _deadlines.emplace(pending.deadline, id).first;
    _pending.emplace(id, std::move(pending));
    if (added == _deadlines.begin()) _changed.notifyAll();
    return id;
}

// Nothing happens for an id that is not known any more, and for an answer to something else.
void PubSubManager::Impl::complete(std::int64_t id, std::optional<Value::Array> values,
                                   const QueueMessage* answer) {
    AckCallback callback;
    {
        MutexLock lock(_mutex);
        const auto found = _pending.find(id);
        const bool known = found != _pending.end() &&
                           (!answer || (found->second.room == answer->sid &&
                                        (answer->nsp.empty() || found->second.nsp == answer->nsp)));
        if (known) {
            callback = std::move(found->second.callback);
            _deadlines.erase({found->second.deadline, id});
            _pending.erase(found);
        }
    }
    if (!callback) return log.debug("an answer that nobody waits for");
    if (PacketSink* const sink = _manager.sink())
        sink->runCallback(std::move(callback), std::move(values));
}

PubSubManager::Impl::Callbacks PubSubManager::Impl::takeOverdue(TimePoint now) {
    Callbacks overdue;
    while (!_deadlines.empty() && _deadlines.begin()->first <= now) {
        const auto found = _pending.find(_deadlines.begin()->second);
        overdue.push_back(std::move(found->second.callback));
        _pending.erase(found);
        _deadlines.erase(_deadlines.begin());
    }
    return overdue;
}

void PubSubManager::Impl::letGo(Callbacks callbacks) {
    PacketSink* const sink = _manager.sink();
    for (AckCallback& each : callbacks)
        if (sink) sink->runCallback(std::move(each), std::nullopt);
}

// What the clients of this server answer to another's emit.
AckCallback PubSubManager::Impl::answerTo(const QueueMessage& message) {
    if (!message.id || message.sender.empty()) return {};
    QueueMessage callback;
    callback.method = QueueMessage::Method::Callback;
    callback.addressee = message.sender;
    callback.sid = message.callbackRoom;
    callback.nsp = message.callbackNsp;
    callback.id = message.id;
    callback.binaryCallback = message.binaryCallback;
    return [impl = weak_from_this(), callback = std::move(callback)](const Value::Array& values) {
        if (const auto self = impl.lock()) self->answer(callback, values);
    };
}

void PubSubManager::Impl::answer(QueueMessage callback, const Value::Array& values) {
    const Value data(values);
    if (!callback.binaryCallback && options.dialect != QueueDialect::Pickle &&
        data.containsBinary()) {
        counters.publishDropped.fetch_add(1, std::memory_order_relaxed);
        return report(_binaryLog, [] {
            return "python-socketio cannot be answered with binary data: the answer is lost";
        });
    }
    auto text = callback.encode(options.dialect, data);
    if (text) return publish(callback.method, std::move(*text));
    counters.publishDropped.fetch_add(1, std::memory_order_relaxed);
    report(_binaryLog,
           [&] { return std::string("an answer cannot be sent: ") + text.error().detail; });
}

// ---- in -----------------------------------------------------------------------------------------

void PubSubManager::Impl::receive(std::vector<std::string> payloads) {
    std::uint64_t received = 0, tooLarge = 0, dropped = 0;
    {
        MutexLock lock(_mutex);
        const bool idle = _inbox.empty();
        for (std::string& payload : payloads) {
            if (QueueMessage::isFrom(payload, hostId)) continue;
            ++received;
            if (payload.size() > options.messageBytes) {
                ++tooLarge;
            } else if (_inbox.size() >= options.receiveMessages ||
                       _inboxBytes + payload.size() > options.receiveBytes) {
                ++dropped;
            } else {
                _inboxBytes += payload.size();
                _inbox.push_back(std::move(payload));
            }
        }
        if (idle && !_inbox.empty()) _changed.notifyAll();
    }
    counters.received.fetch_add(received, std::memory_order_relaxed);
    if (tooLarge > 0) ignore("too large", tooLarge);
    if (dropped == 0) return;
    counters.receiveDropped.fetch_add(dropped, std::memory_order_relaxed);
    report(_fullLog, [] { return "messages come faster than they can be applied: some are lost"; });
}

void PubSubManager::Impl::ignore(std::string_view why, std::uint64_t messages) {
    counters.ignored.fetch_add(messages, std::memory_order_relaxed);
    report(_ignoredLog, [&] { return "ignored a message: " + std::string(why); });
}

void PubSubManager::Impl::run() {
    MutexLock lock(_mutex);
    while (!_ending) {
        if (!_deadlines.empty()) {
            const TimePoint next = _deadlines.begin()->first;
            const TimePoint now = options.clock->now();
            if (next <= now) {
                Callbacks overdue = takeOverdue(now);
                lock.unlock();
                letGo(std::move(overdue));
                lock.lock();
                continue;
            }
            if (_inbox.empty()) {
                options.clock->waitUntil(_changed, _mutex, next);
                continue;
            }
        } else if (_inbox.empty()) {
            _changed.wait(_mutex);
            continue;
        }
        std::vector<std::string> payloads;
        for (std::size_t bytes = 0;
             !_inbox.empty() && payloads.size() < kGoMessages && bytes < kGoBytes;) {
            bytes += _inbox.front().size();
            _inboxBytes -= _inbox.front().size();
            payloads.push_back(std::move(_inbox.front()));
            _inbox.pop_front();
        }
        lock.unlock();
        std::vector<QueueMessage> messages;
        messages.reserve(payloads.size());
        for (const std::string& payload : payloads)
            if (auto message = read(payload)) messages.push_back(std::move(*message));
        for (QueueMessage& message : messages) apply(message);
        lock.lock();
    }
}

std::optional<QueueMessage> PubSubManager::Impl::read(std::string_view payload) {
    try {
        auto message = QueueMessage::decode(payload, options.dialect, options.readPickle);
        if (message) return std::move(*message);
        ignore(message.error().detail);
    } catch (...) {
        ignore(escapedForLog(exceptionText(), 300));
    }
    return std::nullopt;
}

void PubSubManager::Impl::apply(QueueMessage& message) {
    try {
        if (message.sender == hostId) return;  // came back in another form
        if (message.sequence && !message.sender.empty() &&
            !isNew(message.sender, *message.sequence))
            return ignore("it has come before");
        perform(message);
    } catch (...) {
        ignore(escapedForLog(exceptionText(), 300));
    }
}

// Counts what is missing between the last message of the host and this one. The first that is heard
// of a host makes the start.
bool PubSubManager::Impl::isNew(const std::string& host, std::uint64_t sequence) {
    const auto found = _hosts.find(host);
    if (found != _hosts.end()) {
        Host& known = found->second;
        if (sequence <= known.sequence) return false;
        counters.missed.fetch_add(sequence - known.sequence - 1, std::memory_order_relaxed);
        known = {sequence, ++_heard};
        return true;
    }
    if (_hosts.size() >= kMaxHosts)
        _hosts.erase(std::min_element(_hosts.begin(), _hosts.end(), [](auto& a, auto& b) {
            return a.second.heard < b.second.heard;
        }));
    _hosts.emplace(host, Host{sequence, ++_heard});
    return true;
}

void PubSubManager::Impl::perform(QueueMessage& message) {
    MemoryManager& local = _manager;
    using Method = QueueMessage::Method;
    switch (message.method) {
        case Method::Emit: {
            EmitTarget target;
            target.rooms = std::move(message.rooms);
            target.skipSids = std::move(message.skipSids);
            return local.MemoryManager::emitTo(message.nsp, message.data, target,
                                               answerTo(message));
        }
        case Method::Callback:
            if (message.addressee == hostId)
                complete(*message.id, std::move(message.data.makeArray()), &message);
            return;
        case Method::Disconnect:
            return local.MemoryManager::disconnectSocket(message.sid, message.nsp);
        case Method::EnterRoom:
            if (!local.MemoryManager::find(message.sid, message.nsp)) return;
            try {
                local.MemoryManager::enterRoom(message.sid, message.nsp, message.rooms.front());
            } catch (const Poco::NotFoundException&) {  // just gone
            }
            return;
        case Method::LeaveRoom:
            return local.MemoryManager::leaveRoom(message.sid, message.nsp, message.rooms.front());
        case Method::CloseRoom:
            return local.MemoryManager::closeRoom(message.rooms.front(), message.nsp);
    }
}

// ---- PubSubManager ------------------------------------------------------------------------------

PubSubManager::PubSubManager(std::string channel, bool writeOnly, PubSubOptions options)
    : _impl(std::make_shared<Impl>(*this, std::move(channel), writeOnly, options)) {}

PubSubManager::~PubSubManager() { poco_assert(!_impl->started()); }

const std::string& PubSubManager::channel() const { return _impl->channel; }
bool PubSubManager::writeOnly() const { return _impl->writeOnly; }
const std::string& PubSubManager::hostId() const { return _impl->hostId; }
const PubSubOptions& PubSubManager::options() const { return _impl->options; }
const Log& PubSubManager::log() const { return _impl->log; }

PubSubManager::Counters PubSubManager::counters() const {
    const auto& from = _impl->counters;
    Counters counters;
    counters.published = from.published.load(std::memory_order_relaxed);
    counters.publishDropped = from.publishDropped.load(std::memory_order_relaxed);
    counters.received = from.received.load(std::memory_order_relaxed);
    counters.receiveDropped = from.receiveDropped.load(std::memory_order_relaxed);
    counters.ignored = from.ignored.load(std::memory_order_relaxed);
    counters.missed = from.missed.load(std::memory_order_relaxed);
    counters.reconnects = from.reconnects.load(std::memory_order_relaxed);
    return counters;
}

bool PubSubManager::flush(Duration timeout) {
    const bool done = !_impl->started() || flushQueue(Clock::system().now() + timeout);
    return done && counters().publishDropped == 0;
}

std::string PubSubManager::lastError() const { return _impl->lastError(); }

void PubSubManager::initialize() { _impl->start(); }
void PubSubManager::shutdown() { _impl->shutdown(); }

void PubSubManager::emitTo(const std::string& nsp, const Value& data, const EmitTarget& target,
                           const AckCallback& callback) {
    if (callback && (writeOnly() || !sink()))
        throw Poco::IllegalStateException(
            "emit(): a callback needs a server: nobody hears the answer here");
    if (target.ignoreQueue) return MemoryManager::emitTo(nsp, data, target, callback);
    if (callback && target.rooms.size() != 1)
        throw Poco::InvalidArgumentException(
            "emit(): with a message queue a callback needs one room, or the sid of one client");
    _impl->emit(nsp, data, target, callback);
}

void PubSubManager::enterRoom(std::string_view sid, std::string_view nsp, std::string_view room) {
    if (find(sid, nsp)) {
        try {
            return MemoryManager::enterRoom(sid, nsp, room);
        } catch (const Poco::NotFoundException&) {
            return;  // just gone
        }
    }
    QueueMessage message;
    message.method = QueueMessage::Method::EnterRoom;
    message.sid = sid;
    message.nsp = nsp;
    message.rooms.emplace_back(room);
    _impl->publish(message);
}

void PubSubManager::leaveRoom(std::string_view sid, std::string_view nsp, std::string_view room) {
    if (find(sid, nsp)) return MemoryManager::leaveRoom(sid, nsp, room);
    QueueMessage message;
    message.method = QueueMessage::Method::LeaveRoom;
    message.sid = sid;
    message.nsp = nsp;
    message.rooms.emplace_back(room);
    _impl->publish(message);
}

void PubSubManager::closeRoom(std::string_view room, std::string_view nsp) {
    MemoryManager::closeRoom(room, nsp);
    QueueMessage message;
    message.method = QueueMessage::Method::CloseRoom;
    message.nsp = nsp;
    message.rooms.emplace_back(room);
    _impl->publish(message);
}

void PubSubManager::disconnectSocket(std::string_view sid, std::string_view nsp, bool ignoreQueue) {
    if (ignoreQueue || find(sid, nsp)) return MemoryManager::disconnectSocket(sid, nsp);
    QueueMessage message;
    message.method = QueueMessage::Method::Disconnect;
    message.sid = sid;
    message.nsp = nsp;
    _impl->publish(message);
}

void PubSubManager::receive(std::vector<std::string> payloads) {
    _impl->receive(std::move(payloads));
}

void PubSubManager::countPublished(std::size_t messages) {
    _impl->counters.published.fetch_add(messages, std::memory_order_relaxed);
}
void PubSubManager::countDropped(std::size_t messages) {
    if (messages > 0) _impl->countDropped(messages);
}
void PubSubManager::countReconnect() {
    _impl->counters.reconnects.fetch_add(1, std::memory_order_relaxed);
}
void PubSubManager::setLastError(std::string error) { _impl->setLastError(std::move(error)); }

}  // namespace socketio
