#include "ServerCore.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include <Poco/Exception.h>

#include "socketio/base/Limits.h"
#include "socketio/base/Log.h"
#include "socketio/base/SignalsBlocked.h"
#include "socketio/managers/MemoryManager.h"

#include "Client.h"

namespace socketio {

namespace {

ServerOptions checked(ServerOptions options) {
    if (options.asyncMode != "threading")
        throw Poco::InvalidArgumentException("asyncMode \"" + options.asyncMode +
                                             "\": the only mode is \"threading\"");
    const auto positive = [](const char* name, auto value) {
        if (value <= decltype(value){})
            throw Poco::InvalidArgumentException(std::string(name) + " has to be more than 0");
    };
    positive("connectTimeout", options.connectTimeout);
    positive("maxNamespacesPerClient", options.maxNamespacesPerClient);
    positive("maxPendingAcks", options.maxPendingAcks);
    positive("ackTimeout", options.ackTimeout);
    positive("inboundTasks", options.inboundTasks);
    positive("inboundBytes", options.inboundBytes);
    positive("totalInboundTasks", options.totalInboundTasks);
    positive("totalInboundBytes", options.totalInboundBytes);
    for (std::string& nsp : options.namespaces) nsp = namespaceName(nsp);
    return options;
}

Socket& asSocket(const LocalSocketPtr& socket) { return static_cast<Socket&>(*socket); }

EngineMessage::Ptr asMessage(EncodedSocketPacket packet) {
    return EngineMessage::create(std::move(packet.text), std::move(packet.attachments));
}

// One message on its way to one socket; fits into a Task without an allocation.
struct Delivery {
    LocalSocketPtr socket;
    EngineMessage::Ptr message;

    void operator()() const;
};

}  // namespace

ServerCore::ServerCore(Server& server, ServerOptions options)
    : _server(&server),
      _options(checked(std::move(options))),
      _manager(_options.clientManager ? _options.clientManager : std::make_shared<MemoryManager>()),
      _log(_options.logger ? *_options.logger : Poco::Logger::get("socketio.server"),
           {.lineBytes = _options.logLineBytes, .linesPerSecond = _options.logLinesPerSecond},
           _counters.logLines),
      _engine(std::make_unique<EngineServer>(
          _options, [this](const EngineSession::Ptr& session) { return openSession(session); })),
      _handlers(std::make_shared<HandlerTable>()) {
    _manager->setSink(this);
}

ServerCore::~ServerCore() = default;

Server& ServerCore::server() const {
    Server* const server = _server.load(std::memory_order_acquire);
    if (!server) throw Poco::IllegalStateException("the Server of this socket is gone");
    return *server;
}

// ---- handlers -----------------------------------------------------------------------------------

void ServerCore::addHandler(std::string_view event, HandlerPtr handler, std::string_view nsp) {
    if (event != "connect" && event != "disconnect" && isReservedEvent(event))
        throw Poco::InvalidArgumentException("the event name \"" + std::string(event) +
                                             "\" is reserved: no client can send it");
    std::shared_ptr<const HandlerTable> old;  // goes after the lock
    MutexLock lock(_handlersMutex);
    old = std::exchange(_handlers, _handlers->with(namespaceName(nsp), event, std::move(handler)));
    _version.fetch_add(1, std::memory_order_release);
}

void ServerCore::registerNamespace(std::shared_ptr<Namespace> object) {
    if (!object) throw Poco::InvalidArgumentException("registerNamespace(): no object");
    Server* owner = nullptr;
    if (Server* const own = &server();
        !object->_server.compare_exchange_strong(owner, own) && owner != own)
        throw Poco::IllegalStateException("the object for the namespace \"" + object->nsp() +
                                          "\" belongs to another server");
    std::shared_ptr<const HandlerTable> old;  // goes after the lock
    MutexLock lock(_handlersMutex);
    old = std::exchange(_handlers, _handlers->with(object));
    _version.fetch_add(1, std::memory_order_release);
}

bool ServerCore::joinable(std::string_view nsp) const {
    for (const std::string& listed : _options.namespaces)
        if (listed == nsp || listed == "*") return true;
    MutexLock lock(_handlersMutex);
    return _handlers->knows(nsp);
}

std::shared_ptr<const HandlerTable> ServerCore::handlers(std::uint64_t& version) const {
    MutexLock lock(_handlersMutex);
    version = _version.load(std::memory_order_relaxed);
    return _handlers;
}

namespace {

/// "event chat message".
class EventLabel {
public:
    explicit EventLabel(std::string_view event) : _size(std::min(event.size(), sizeof(_text) - 7)) {
        event.copy(_text + 6, _size);
    }
    operator std::string_view() const { return {_text, 6 + _size}; }

private:
    char _text[64] = "event ";
    const std::size_t _size;
};

}  // namespace

void ServerCore::describe(std::string_view event) const {
    executor().describeWork(EventLabel(event));
}

bool ServerCore::belongsToWorker(std::string_view event) const {
    return executor().belongsToWorker(EventLabel(event));
}

// ---- emitting -----------------------------------------------------------------------------------

void ServerCore::emit(std::string_view event, Arguments arguments, EmitOptions options) {
    const Value data = std::move(arguments).event(event);
    const EmitTarget target{std::move(options.room).list(), std::move(options.skipSid).list(),
                            options.ignoreQueue, _options.ackTimeout};
    _manager->emitTo(namespaceName(options.nsp), data, target, options.callback.function());
}

void ServerCore::emitTo(Socket& socket, std::string_view event, Arguments arguments,
                        Callback callback) {
    const Value data = std::move(arguments).event(event);
    deliverToOne(socket.shared_from_this(), data, callback.function());
}

/// A BlockingScope that the hub need not outlive.
class ServerCore::Blocking {
public:
    explicit Blocking(ServerCore& core) : _core(core) {
        const ExecutorGate::Pass pass(_core._gate);
        if (pass && _core._executor.load()) _core.executor().beginBlocking();
    }
    ~Blocking() {
        const ExecutorGate::Pass pass(_core._gate);
        if (pass && _core._executor.load()) _core.executor().endBlocking();
    }
    Blocking(const Blocking&) = delete;
    Blocking& operator=(const Blocking&) = delete;

private:
    ServerCore& _core;
};

template <class Emit>
Value ServerCore::await(std::string_view event, Duration timeout, Emit&& emit) {
    if (!_executor.load()) throw Poco::IllegalStateException("call() before the server started");
    const auto state = std::make_shared<CallState>();
    const Clock& clock = this->clock();
    const TimePoint deadline = clock.now() + timeout;

    CallState::Outcome outcome;
    {
        const Client::CallScope reading;  // before anybody can answer
        {
            const ExecutorGate::Pass pass(_gate);
            if (!pass) throw Poco::IllegalStateException("the server has been stopped");
            emit(AckCallback(CallCompletion(state, deadline)));
        }
        const Blocking blocking(*this);
        outcome = state->waitUntil(clock, deadline);
    }
    switch (outcome) {
        case CallState::Outcome::Answered:
            break;
        case CallState::Outcome::Waiting:
            throw Poco::TimeoutException("call(): the event \"" + std::string(event) +
                                         "\" was not acknowledged in time");
        case CallState::Outcome::Gone:
            throw Poco::IOException("call(): the client for the event \"" + std::string(event) +
                                    "\" is not connected");
    }
    Value::Array values = state->takeValues();
    if (values.empty()) return {};
    if (values.size() == 1) return std::move(values.front());
    return Value(std::move(values));
}

namespace {

[[noreturn]] void refuseCallWhileConnecting() {
    throw Poco::IllegalStateException(
        "call() to a socket in its own connect handler: it cannot answer before it is connected");
}

}  // namespace

Value ServerCore::call(std::string_view event, Arguments arguments, const CallOptions& options) {
    if (options.sid.empty()) throw Poco::InvalidArgumentException("call() needs a sid");
    const std::string nsp = namespaceName(options.nsp);
    if (const Socket* connecting = Client::running().connecting;
        connecting && connecting->sid() == options.sid && connecting->nsp() == nsp)
        refuseCallWhileConnecting();
    const Value data = std::move(arguments).event(event);
    // A little longer than is waited: an entry that goes away says that nobody is there.
    const EmitTarget target{
        {options.sid}, {}, options.ignoreQueue, options.timeout + std::chrono::seconds(1)};
    return await(event, options.timeout, [&](const AckCallback& callback) {
        _manager->emitTo(nsp, data, target, callback);
    });
}

Value ServerCore::callTo(Socket& socket, std::string_view event, Arguments arguments,
                         Duration timeout) {
    if (Client::running().connecting == &socket) refuseCallWhileConnecting();
    const Value data = std::move(arguments).event(event);
    const LocalSocketPtr recipient = socket.shared_from_this();
    return await(event, timeout,
                 [&](const AckCallback& callback) { deliverToOne(recipient, data, callback); });
}

EngineMessage::Ptr ServerCore::encode(SocketPacket::Type type, const std::string& nsp,
                                      std::optional<std::uint64_t> id, const Value* data,
                                      std::string& problem) const {
    auto encoded =
        encodeSocketPacket(type, nsp, id, data, EngineMessage::kHeadroom, _options.json.get());
    if (encoded.ok()) return asMessage(std::move(*encoded));
    problem = encoded.error().detail;
    return nullptr;
}

namespace {

[[noreturn]] void refuseData(const Value& data, const std::string& problem) {
    throw Poco::InvalidArgumentException("emit(): the event \"" + data[0].asString() +
                                         "\" cannot be sent: " + problem);
}

Executor::LoopId loopOf(const LocalSocketPtr& socket) {
    return asSocket(socket).client().session().loop();
}

void Delivery::operator()() const {
    Socket& to = asSocket(socket);
    to.client().queue(to, message);
}

}  // namespace

EncodedSocketPacket ServerCore::encodeEvent(const std::string& nsp, const Value& data) const {
    auto encoded = encodeSocketPacket(SocketPacket::Type::Event, nsp, std::nullopt, &data,
                                      EngineMessage::kHeadroom, _options.json.get());
    if (!encoded) refuseData(data, encoded.error().detail);
    return std::move(*encoded);
}

void ServerCore::deliverToOne(const LocalSocketPtr& recipient, const Value& data,
                              const AckCallback& callback) {
    const ExecutorGate::Pass pass(_gate);
    if (!pass) return;
    if (callback) return deliverWithAcks({&recipient, 1}, recipient->nsp(), data, callback);
    EngineMessage::Ptr message = asMessage(encodeEvent(recipient->nsp(), data));
    const std::size_t bytes = message->bytes();
    executor().post(loopOf(recipient), Delivery{recipient, std::move(message)}, bytes);
}

void ServerCore::deliver(std::vector<LocalSocketPtr> recipients, const std::string& nsp,
                         const Value& data, const AckCallback& callback) {
    if (recipients.empty()) return;
    if (recipients.size() == 1) return deliverToOne(recipients[0], data, callback);
    const ExecutorGate::Pass pass(_gate);
    if (!pass) return;
    if (callback) return deliverWithAcks(recipients, nsp, data, callback);
    const EngineMessage::Ptr message = asMessage(encodeEvent(nsp, data));

    using Sockets = std::vector<LocalSocketPtr>;
    Executor& executor = this->executor();
    const auto post = [&executor, &message](Executor::LoopId loop, Sockets sockets) {
        if (sockets.empty()) return;
        const std::size_t bytes = message->bytes() + sockets.size() * sizeof(LocalSocketPtr);
        auto deliverAll = [sockets = std::move(sockets), message] {
            for (const LocalSocketPtr& socket : sockets) {
                Socket& to = asSocket(socket);
                to.client().queue(to, message);
            }
        };
        executor.post(loop, std::move(deliverAll), bytes);
    };
    const Executor::LoopId loops = executor.loopCount();
    if (loops == 1) return post(0, std::move(recipients));
    std::vector<Sockets> byLoop(loops);
    for (Sockets& sockets : byLoop) sockets.reserve(recipients.size() / loops + 1);
    for (LocalSocketPtr& socket : recipients) {
        const Executor::LoopId loop = loopOf(socket);
        byLoop[loop].push_back(std::move(socket));
    }
    for (Executor::LoopId loop = 0; loop < loops; ++loop) post(loop, std::move(byLoop[loop]));
}

void ServerCore::deliverWithAcks(std::span<const LocalSocketPtr> recipients, const std::string& nsp,
                                 const Value& data, const AckCallback& callback) {
    const auto* call = callback.target<CallCompletion>();
    const TimePoint deadline =
        call ? call->deadline() : executor().clock().now() + _options.ackTimeout;
    EncodedSocketPacket encoded = encodeEvent(nsp, data);
    // All ids first: it goes to all of them or to none.
    std::vector<std::uint64_t> ids;
    ids.reserve(recipients.size());
    for (const LocalSocketPtr& each : recipients) {
        Socket& socket = asSocket(each);
        ids.push_back(socket.client().addAck(socket, callback, deadline));
        if (ids.back() != 0 || !socket.client().acksFull(socket)) continue;  // 0: just closed
        for (std::size_t i = 0; i < ids.size(); ++i)
            asSocket(recipients[i]).client().cancelAck(asSocket(recipients[i]), ids[i]);
        _counters.ackOverflows.fetch_add(1, std::memory_order_relaxed);
        executor().limits().reached(Limit::MaxPendingAcks, _log.log(), executor().clock().now(),
                                    "an emit failed: its recipient owes too many acknowledgements");
        throw Poco::PoolOverflowException(
            "emit(): too many acknowledgements are outstanding for the event \"" +
            data[0].asString() + '"');
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const LocalSocketPtr& each = recipients[i];
        if (ids[i] == 0) continue;
        // Only the ids differ. The last one takes the text itself.
        EncodedSocketPacket own = &each == &recipients.back() ? std::move(encoded) : encoded;
        own.setAckId(ids[i]);
        EngineMessage::Ptr message = asMessage(std::move(own));
        const std::size_t bytes = message->bytes();
        asSocket(each).client().post(
            [each, message = std::move(message), deadline] {
                Socket& to = asSocket(each);
                to.client().queueWithAck(to, message, deadline);
            },
            bytes);
    }
}

void ServerCore::acknowledge(const LocalSocketPtr& socket, std::uint64_t id,
                             Value::Array arguments) {
    const ExecutorGate::Pass pass(_gate);
    if (!pass) return;
    const auto to = std::static_pointer_cast<Socket>(socket);
    to->client().acknowledge(to, id, std::move(arguments));
}

/// A callback, on a worker: to be called, or only to be destroyed.
struct ServerCore::CallbackTask {
    std::weak_ptr<ServerCore> core;  // which owns the strand
    std::unique_ptr<AckCallback> callback;
    std::optional<Value::Array> values;

    void operator()() {
        const auto self = core.lock();
        if (!self || !values) return callback.reset();
        self->describe("acknowledgement");
        try {
            (*callback)(*values);
        } catch (...) {
            self->log().error(ServerLog::Kind::Acknowledgement,
                              "the callback of an acknowledgement failed: " + exceptionText());
        }
        callback.reset();
    }
};

void ServerCore::runCallback(AckCallback callback, std::optional<Value::Array> arguments) {
    // It wakes the caller and nothing else, also when it is only let go.
    if (const auto* call = callback.target<CallCompletion>()) {
        if (arguments) call->answer(std::move(*arguments));
        return;
    }
    const ExecutorGate::Pass pass(_gate);
    if (!pass || !_executor.load(std::memory_order_acquire)) return;  // nothing runs any more
    _callbacks->post(CallbackTask{weak_from_this(),
                                  std::make_unique<AckCallback>(std::move(callback)),
                                  std::move(arguments)});
}

void ServerCore::disconnect(const LocalSocketPtr& socket) {
    const auto to = std::static_pointer_cast<Socket>(socket);
    to->client().disconnect(to, false);
}

// ---- sockets ------------------------------------------------------------------------------------

std::shared_ptr<Socket> ServerCore::find(std::string_view sid, std::string_view nsp) const {
    auto socket = std::static_pointer_cast<Socket>(_manager->find(sid, namespaceName(nsp)));
    if (!socket)
        throw Poco::NotFoundException("no socket " + std::string(sid) + " is connected in " +
                                      namespaceName(nsp));
    return socket;
}

void ServerCore::socketOpened() {
    MutexLock lock(_mutex);
    ++_openSockets;
}

void ServerCore::socketFinished() {
    MutexLock lock(_mutex);
    --_openSockets;
    if (_stopping) _changed.notifyAll();
}

// ---- life ---------------------------------------------------------------------------------------

std::shared_ptr<EngineListener> ServerCore::openSession(const EngineSession::Ptr& session) {
    const auto client = std::make_shared<Client>(shared_from_this(), session);
    try {
        client->open();
    } catch (...) {
        client->onClose(CloseReason::ForcedClose, {});  // what it has begun refers to it
        throw;
    }
    return client;
}

void ServerCore::handleRequest(const Exchange::Ptr& exchange) {
    if (!_executor.load(std::memory_order_acquire))
        return exchange->respond(Response::text(503, "The server has not been started"));
    Executor& hub = exchange->executor();
    if (hub.currentLoop() != exchange->loop()) {
        hub.post(exchange->loop(), [core = shared_from_this(), exchange] {
            if (core->_engine) core->_engine->begin(exchange);
        });
        return;
    }
    _engine->begin(exchange);
}

void ServerCore::start(Executor& executor) {
    MutexLock starting(_startMutex);
    Executor* const before = _executor.load();
    if (before == &executor) return;
    if (before) throw Poco::IllegalStateException("the server belongs to another hub already");
    if (_stopping) throw Poco::IllegalStateException("the server has been stopped");
    _manager->initialize();
    _engine->start(executor);
    _callbacks = std::make_shared<Strand>(executor);
    _clock.store(&executor.clock(), std::memory_order_release);
    _log.setClock(executor.clock());
    _executor.store(&executor, std::memory_order_release);

    std::vector<std::shared_ptr<BackgroundTask>> tasks;
    {
        MutexLock lock(_mutex);
        _tasksStarted = true;
        tasks = _tasks;
    }
    for (const auto& task : tasks) launch(task);
}

bool ServerCore::beginStop() {
    MutexLock lock(_mutex);
    if (_stopping.exchange(true)) return false;
    _changed.notifyAll();
    return true;
}

bool ServerCore::stop(TimePoint deadline) {
    if (!beginStop()) return endWork(deadline);
    _engine->refuseNew();
    if (_executor.load()) {
        // Half of the time for handlers that are at work; the rest to say goodbye.
        const TimePoint now = clock().now();
        if (deadline > now) drainStrands(now + (deadline - now) / 2);
        _engine->stop(deadline);
        waitForSockets(deadline);
    }
    _manager->shutdown();
    const bool ended = endWork(deadline);
    _gate.close();
    return ended;
}

// False when handlers or background tasks still run.
bool ServerCore::endWork(TimePoint deadline) {
    const std::size_t sockets = waitForSockets(deadline);
    if (sockets > 0)
        _log.warning(ServerLog::Kind::Task,
                     "handlers of " + std::to_string(sockets) + " sockets still run");
    return endTasks(deadline) && sockets == 0;
}

std::size_t ServerCore::waitForSockets(TimePoint deadline) {
    MutexLock lock(_mutex);
    while (_openSockets > 0)
        if (!clock().waitUntil(_changed, _mutex, deadline)) break;
    return _openSockets;
}

bool ServerCore::hasSession(std::string_view sid) const { return _engine->find(sid) != nullptr; }

bool ServerCore::endTasks(TimePoint deadline) {
    std::vector<std::shared_ptr<BackgroundTask>> tasks;
    bool started = false;
    {
        MutexLock lock(_mutex);
        tasks = _tasks;
        started = _tasksStarted;
    }
    std::size_t running = 0;
    for (const auto& task : tasks) {
        if (!started) task->finish();
        if (!task->join(deadline, clock())) ++running;
    }
    {
        // Those that run on are waited for again by the next one who asks.
        MutexLock lock(_mutex);
        std::erase_if(_tasks, [](const auto& each) { return each->finished(); });
    }
    if (running > 0)
        _log.warning(ServerLog::Kind::Task,
                     std::to_string(running) + " background tasks have not ended");
    return running == 0;
}

// What has arrived is handled and answered before anybody is disconnected.
void ServerCore::drainStrands(TimePoint deadline) {
    struct Barrier {
        Mutex mutex;  // a leaf
        Condition changed;
        std::size_t left SOCKETIO_GUARDED_BY(mutex) = 0;
    };
    const auto barrier = std::make_shared<Barrier>();
    for (const std::string& nsp : _manager->getNamespaces()) {
        for (const LocalSocketPtr& socket : _manager->getParticipants(nsp, {})) {
            {
                MutexLock lock(barrier->mutex);
                ++barrier->left;
            }
            asSocket(socket).client().afterInput([barrier] {
                MutexLock lock(barrier->mutex);
                if (--barrier->left == 0) barrier->changed.notifyAll();
            });
        }
    }
    MutexLock lock(barrier->mutex);
    while (barrier->left > 0)
        if (!clock().waitUntil(barrier->changed, barrier->mutex, deadline)) return;
}

void ServerCore::detach() {
    // The hub may be gone: what it would have to do is not waited for.
    if (beginStop()) _manager->shutdown();
    endTasks(clock().now() + std::chrono::seconds(5));
    _gate.close();
    _server.store(nullptr, std::memory_order_release);
    _manager->setSink(nullptr);
    _engine.reset();
}

std::shared_ptr<BackgroundTask> ServerCore::startTask(Task body) {
    const auto task = std::make_shared<BackgroundTask>(std::move(body));
    bool now = false;
    {
        MutexLock lock(_mutex);
        if (_stopping) throw Poco::IllegalStateException("the server has been stopped");
        std::erase_if(_tasks, [](const auto& each) { return each->finished(); });
        _tasks.push_back(task);
        now = _tasksStarted;
    }
    if (now) launch(task);
    return task;
}

void ServerCore::launch(const std::shared_ptr<BackgroundTask>& task) {
    std::string failure;
    try {
        const SignalsBlocked blocked;
        // Not joined: a task that never ends must not keep the process from ending.
        std::thread([core = shared_from_this(), task] {
            try {
                task->run();
            } catch (...) {
                core->_log.error(ServerLog::Kind::Task,
                                 "a background task failed: " + exceptionText());
            }
            task->finish();
        }).detach();
    } catch (const std::system_error& e) {
        failure = e.what();
    }
    if (failure.empty()) return;
    task->finish();
    throw Poco::NoThreadAvailableException("startBackgroundTask(): " + failure);
}

bool ServerCore::sleep(Duration time) {
    const Blocking blocking(*this);
    const Clock& clock = this->clock();
    const TimePoint now = clock.now();
    const TimePoint deadline = now + time;
    MutexLock lock(_mutex);
    // A loop that does not look at the answer shall not take the processor from those who end.
    constexpr std::chrono::milliseconds kAfterStop{20};
    if (_stopping) {
        const TimePoint brief = std::min(deadline, now + kAfterStop);
        while (clock.waitUntil(_changed, _mutex, brief)) {
        }
        return false;
    }
    while (!_stopping)
        if (!clock.waitUntil(_changed, _mutex, deadline)) return !_stopping;
    return false;
}

}  // namespace socketio
