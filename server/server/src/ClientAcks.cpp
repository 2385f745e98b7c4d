// What a client owes us: acknowledgements; and what the application keeps with its sockets.
#include <utility>

#include "socketio/base/Log.h"

#include "Acknowledgements.h"
#include "Client.h"
#include "ClientTasks.h"

namespace socketio {

struct Client::AckTask {
    std::shared_ptr<Client> client;
    PendingAck callback;
    Value::Array values;

    void operator()() {
        if (client->_core->belongsToWorker("acknowledgement")) {
            Strand& strand = *client->_strand;
            strand.defer(AckTask(std::move(*this)));
            return;
        }
        const RunningScope scope({client.get(), nullptr, nullptr});
        client->_core->describe("acknowledgement");
        try {
            (*callback)(values);
        } catch (...) {
            client->_core->log().error(
                ServerLog::Kind::Acknowledgement,
                "the callback of an acknowledgement failed: " + exceptionText());
        }
    }
};

std::uint64_t Client::addAck(Socket& socket, const AckCallback& callback, TimePoint deadline) {
    MutexLock lock(_mutex);
    if (socket._acksClosed) return 0;
    if (!socket._acks)
        socket._acks = std::make_unique<Acknowledgements>(
            [](void* context) {
                auto* self = static_cast<Socket*>(context);
                self->_client->ackTimerFired(*self);
            },
            &socket);
    if (socket._acks->outstanding() >= _core->options().maxPendingAcks) return 0;
    return socket._acks->add(std::make_unique<AckCallback>(callback), deadline);
}

bool Client::acksFull(Socket& socket) {
    MutexLock lock(_mutex);
    return socket._acks && socket._acks->outstanding() >= _core->options().maxPendingAcks;
}

void Client::cancelAck(Socket& socket, std::uint64_t id) {
    PendingAck cancelled;  // goes after the lock
    MutexLock lock(_mutex);
    if (socket._acks) cancelled = socket._acks->take(id);
}

void Client::dropAcks(Socket& socket) {
    std::unique_ptr<Acknowledgements> dropped;
    {
        MutexLock lock(_mutex);
        socket._acksClosed = true;
        dropped = std::move(socket._acks);
    }
    if (dropped) forget(dropped->takeAll());
}

void Client::ackTimerFired(Socket& socket) {
    std::vector<PendingAck> expired;
    Timers& timers = _core->executor().timers(_session->loop());
    {
        MutexLock lock(_mutex);
        if (!socket._acks) return;
        expired = socket._acks->takeExpired(timers.now());
        const TimePoint next = socket._acks->nextDeadline();
        if (next != TimePoint::max()) timers.arm(socket._acks->timer, next);
    }
    if (!expired.empty())
        reached(Limit::AckTimeout, [&] {
            return peer() + " owes " + std::to_string(expired.size()) +
                   " acknowledgements, which are not waited for any longer";
        });
    forget(std::move(expired));
}

// What a callback holds is the application's: its destructors may block, which a loop must not. Who
// waits in call() is woken here and now, as the strand may be busy with the handler that waits.
void Client::forget(std::vector<PendingAck> callbacks) {
    std::erase_if(callbacks, [](const PendingAck& each) { return each->target<CallCompletion>(); });
    if (!callbacks.empty()) _strand->post([held = std::move(callbacks)] {});
}

void Client::acknowledge(const SocketPtr& socket, std::uint64_t id, Value::Array values) {
    PendingAck callback;
    {
        MutexLock lock(_mutex);
        if (socket->_acks) callback = socket->_acks->take(id);
    }
    if (!callback) return _core->log().debug("an acknowledgement that nobody waits for");
    if (const auto* call = callback->target<CallCompletion>())
        return call->answer(std::move(values));
    static_assert(sizeof(AckTask) <= 48);
    const std::size_t bytes = memoryOf(values) + kTaskBytes;
    _strand->post(AckTask{shared_from_this(), std::move(callback), std::move(values)}, bytes);
}

Value Client::session(const Socket& socket) const {
    MutexLock lock(_mutex);
    return socket._session ? *socket._session : Value();
}

void Client::saveSession(Socket& socket, Value value) {
    auto session = std::make_unique<Value>(std::move(value));  // the old one goes after the lock
    MutexLock lock(_mutex);
    socket._session.swap(session);
    lock.unlock();
}

}  // namespace socketio
