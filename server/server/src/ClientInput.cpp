// What a client sends, and when it is read no further.
#include <algorithm>
#include <utility>

#include "Client.h"
#include "ClientTasks.h"

namespace socketio {

namespace {

// How much more has to wait before the total hears of it: clients that keep up never touch it.
constexpr Strand::Load kCountedSteps{32, 64 * 1024};
// What a client may have waiting when there is too much in all.
constexpr Strand::Load kCrowdedLimit{16, 32 * 1024};

constexpr std::size_t kBlockBytes = 16;  // of the heap, for a block

/// While a handler waits in call() reading goes on until so many times the usual bytes wait: data
/// in memory is that much larger than its text, at most, as a rule.
constexpr std::size_t kMemoryPerByte = 16;

std::size_t heapOf(const std::string& text) {
    static const std::size_t inPlace = std::string().capacity();
    return text.capacity() > inPlace ? text.capacity() + kBlockBytes : 0;
}

}  // namespace

// Recurses as deep as the codec reads, as destroying the value does.
std::size_t memoryOf(const Value& value) {
    switch (value.type()) {
        case Value::Type::String:
            return sizeof(Value) + heapOf(value.asString());
        case Value::Type::Binary:
            return sizeof(Value) + value.asBinary().size() + kBlockBytes;
        case Value::Type::Array:
            return sizeof(Value) + memoryOf(value.asArray());
        case Value::Type::Object: {
            std::size_t bytes = sizeof(Value) + kBlockBytes;
            for (const Value::Member& each : value.asObject())
                bytes += sizeof(std::string) + heapOf(each.first) + memoryOf(each.second);
            return bytes;
        }
        default:
            return sizeof(Value);
    }
}

std::size_t memoryOf(const Value::Array& items) {
    std::size_t bytes = kBlockBytes + (items.capacity() - items.size()) * sizeof(Value);
    for (const Value& each : items) bytes += memoryOf(each);
    return bytes;
}

void Client::onText(std::string_view text) {
    if (_closed) return;
    take(_decoder.text(text), true);
}

void Client::onBinary(std::string_view bytes) {
    if (_closed) return;
    take(_decoder.binary(bytes), false);
}

void Client::take(Result<std::optional<SocketPacket>> result, bool begins) {
    if (!result.ok()) {
        badPacket(result.error().detail, result.error().limit);
        return closeSession(CloseReason::ParseError, result.error().detail);
    }
    if (std::optional<SocketPacket>& packet = result.value()) {
        handle(std::move(*packet));
    } else if (const std::string_view nsp = _decoder.pendingNsp();
               !findSlot(nsp) && !hasLeft(nsp)) {
        // Its attachments are not waited for.
        violation("a packet for a namespace that was not joined");
    } else if (begins) {
        awaitAttachments();
    }
}

// Half a packet is not kept for ever. The timer stays armed when the packet is complete: a client
// that sends many of them costs no more than one that sends few.
void Client::awaitAttachments() {
    Timers& timers = _core->executor().timers(_session->loop());
    _halfSince = timers.now();
    if (!_halfTimer)
        _halfTimer = std::make_unique<Timer>(
            [](void* self) { static_cast<Client*>(self)->attachmentsOverdue(); }, this);
    if (!_halfTimer->armed()) timers.armAfter(*_halfTimer, halfTime());
}

void Client::attachmentsOverdue() {
    if (_decoder.pendingNsp().empty()) return;
    Timers& timers = _core->executor().timers(_session->loop());
    if (_paused) _halfSince = timers.now();  // we do not read
    if (timers.now() < _halfSince + halfTime())
        return timers.arm(*_halfTimer, _halfSince + halfTime());
    badPacket("its attachments did not come in time", Limit::AttachmentTime);
    closeSession(CloseReason::ParseError, "attachments outstanding");
}

void Client::badPacket(std::string_view detail, std::optional<Limit> limit) {
    _core->counters().badPackets.fetch_add(1, std::memory_order_relaxed);
    const auto line = [&] { return peer() + ": bad packet: " + std::string(detail); };
    if (limit)
        reached(*limit, line);
    else
        _core->log().warning(ServerLog::Kind::Packet, line());
}

Duration Client::halfTime() const {
    return _core->options().pingInterval + _core->options().pingTimeout;
}

void Client::handle(SocketPacket packet) {
    if (packet.type == SocketPacket::Type::Connect)
        return connect(std::move(packet.nsp), std::move(packet.data));

    SocketPtr* slot = findSlot(packet.nsp);
    if (!slot) {
        if (!hasLeft(packet.nsp)) violation("a packet for a namespace that was not joined");
        return;
    }
    switch (packet.type) {
        case SocketPacket::Type::Event: {
            Value::Array& data = packet.data.makeArray();
            if (_core->options().asyncHandlers)
                return postApart(*slot, std::move(data), packet.id.value_or(kNoAck));
            static_assert(sizeof(EventTask) <= 48);
            const std::size_t bytes = memoryOf(data);
            postInput(EventTask{*slot, std::move(data), packet.id.value_or(kNoAck)}, bytes);
            break;
        }
        case SocketPacket::Type::Ack:
            _core->manager().triggerCallback(*slot, packet.id.value_or(0),
                                             std::move(packet.data.makeArray()));
            checkLoad(_strand->pending());
            break;
        case SocketPacket::Type::Disconnect: {
            const SocketPtr socket = *slot;
            retire(socket);
            closeSocket(socket, DisconnectReason::ClientNamespaceDisconnect, {});
            break;
        }
        default:
            violation("a packet that only servers send");
    }
}

Client::SocketPtr* Client::findSlot(std::string_view nsp) {
    for (SocketPtr& socket : _sockets)
        if (socket->nsp() == nsp) return &socket;
    return nullptr;
}

bool Client::hasLeft(std::string_view nsp) const {
    return std::find(_left.begin(), _left.end(), nsp) != _left.end();
}

// ---- back-pressure ------------------------------------------------------------------------------

void Client::postInput(Task task, std::size_t bytes) {
    checkLoad(_strand->post(std::move(task), bytes + kTaskBytes));
}

// Counted besides what the strand knows, until the handler has ended.
void Client::postApart(const SocketPtr& socket, Value::Array data, std::uint64_t id) {
    const std::size_t bytes = memoryOf(data);
    auto event = std::make_shared<ApartEvent>(
        ApartEvent{socket, {}, std::move(data), id, bytes + kTaskBytes});
    postInput([event = std::move(event)] { event->socket->_client->runApart(event); }, bytes);
}

bool Client::overLimit(const Strand::Load& load) const {
    const ServerOptions& options = _core->options();
    const Strand::Load apart = apartLoad();
    const std::size_t bytes = load.bytes + apart.bytes;
    // A handler that waits in call() needs what comes behind the events that wait for it; the one
    // that it handles is counted, and the answer may be as large.
    if (_calling > 0)
        return bytes > kMemoryPerByte * (options.inboundBytes + 2 * options.maxHttpBufferSize);
    const std::size_t tasks = load.tasks + apart.tasks;
    if (bytes > options.inboundBytes || tasks > options.inboundTasks) return true;
    return (tasks > kCrowdedLimit.tasks || bytes > kCrowdedLimit.bytes) && _core->crowded();
}

bool Client::apartDrained() const {
    const Strand::Load apart = apartLoad();
    return apart.tasks <= _core->options().inboundTasks / 2 &&
           apart.bytes <= _core->options().inboundBytes / 2;
}

void Client::apartEnded(std::size_t bytes) {
    _apart->bytes -= bytes;
    --_apart->tasks;
    // In this order with awaitApart(): one of the two sees the other.
    if (_apart->awaited && apartDrained() && _apart->awaited.exchange(false))
        post([self = shared_from_this()] { self->drained(); });
    if (_apart->endAwaited && _apart->tasks == 0) runAfterApart();
}

void Client::afterApart(Task task) {
    if (!_apart) return task();
    {
        MutexLock lock(_mutex);
        _apart->after.push_back(std::move(task));
    }
    // In this order with apartEnded(): one of the two sees the other.
    _apart->endAwaited = true;
    if (_apart->tasks == 0) runAfterApart();
}

void Client::runAfterApart() {
    std::vector<Task> ready;
    {
        MutexLock lock(_mutex);
        ready.swap(_apart->after);
    }
    for (Task& task : ready) task();
}

// True: the strand is empty enough, but handlers that run apart from it are not.
bool Client::awaitApart() {
    if (!_apart || apartDrained()) return false;
    _apart->awaited = true;
    return !apartDrained() || !_apart->awaited.exchange(false);
}

void Client::count(const Strand::Load& load) {
    const Strand::Load apart = apartLoad();
    const std::size_t tasks = load.tasks + apart.tasks, bytes = load.bytes + apart.bytes;
    if (tasks < _counted.tasks + kCountedSteps.tasks &&
        bytes < _counted.bytes + kCountedSteps.bytes)
        return;
    const Strand::Load before =
        std::exchange(_counted, {std::max(tasks, _counted.tasks), std::max(bytes, _counted.bytes)});
    _core->inboundChanged(static_cast<std::ptrdiff_t>(_counted.tasks - before.tasks),
                          static_cast<std::ptrdiff_t>(_counted.bytes - before.bytes));
    if (before.tasks + before.bytes == 0 && !_paused)
        awaitDrain(kCountedSteps.tasks / 2, kCountedSteps.bytes / 2);
}

void Client::uncount() {
    const Strand::Load before = std::exchange(_counted, {});
    if (before.tasks + before.bytes > 0)
        _core->inboundChanged(-static_cast<std::ptrdiff_t>(before.tasks),
                              -static_cast<std::ptrdiff_t>(before.bytes));
}

void Client::checkLoad(Strand::Load load) {
    count(load);
    if (_paused || _closed || !overLimit(load)) return;
    _paused = true;
    _core->counters().inputPauses.fetch_add(1, std::memory_order_relaxed);
    const Strand::Load apart = apartLoad();
    const bool own = load.tasks + apart.tasks > _core->options().inboundTasks ||
                     load.bytes + apart.bytes > _core->options().inboundBytes || _calling > 0;
    reached(own ? Limit::InboundTasks : Limit::TotalInboundTasks, [&] {
        return peer() + " is not read: " + std::to_string(load.tasks + apart.tasks) +
               " of its events wait for handlers";
    });
    _session->pauseInput(true);
    const ServerOptions& options = _core->options();
    Strand::Load most{options.inboundTasks, options.inboundBytes};
    if (_core->crowded())
        most = {std::min(most.tasks, kCrowdedLimit.tasks),
                std::min(most.bytes, kCrowdedLimit.bytes)};
    awaitDrain(most.tasks / 2, most.bytes / 2);
}

void Client::awaitDrain(std::size_t tasks, std::size_t bytes) {
    if (_apart) _apart->awaited = false;
    _strand->onDrained(tasks, bytes, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self && !self->awaitApart()) self->post([self] { self->drained(); });
    });
}

void Client::drained() {
    uncount();
    resumeInput();
}

void Client::resumeInput() {
    if (!std::exchange(_paused, false) || _closed) return;
    _halfSince = _core->executor().timers(_session->loop()).now();
    _session->pauseInput(false);
}

Client::CallScope::CallScope() {
    if (!running().client) return;
    _client = running().client->shared_from_this();
    ++_client->_calling;
    _client->post([client = _client] {
        if (client->_paused && !client->overLimit(client->_strand->pending()))
            client->resumeInput();
    });
}

Client::CallScope::~CallScope() {
    if (_client) --_client->_calling;
}

}  // namespace socketio
