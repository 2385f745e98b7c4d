#include "support/NumberedClients.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/EngineClient.h"

namespace socketio::test {

namespace {

unsigned greetingOf(char server) { return 1U << (server - '0'); }

}  // namespace

NumberedClients::NumberedClients(NumberedMessages& messages)
    : _messages(messages), _poll(::epoll_create1(EPOLL_CLOEXEC)), _stop(::eventfd(0, EFD_CLOEXEC)) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (_poll < 0 || _stop < 0 || ::epoll_ctl(_poll, EPOLL_CTL_ADD, _stop, &event) != 0)
        throw std::runtime_error("epoll");
    _thread = std::thread([this] { run(); });
}

NumberedClients::~NumberedClients() {
    ::eventfd_write(_stop, 1);
    _thread.join();
    ::close(_stop);
    ::close(_poll);
}

NumberedClients::Client& NumberedClients::connect(std::uint16_t port,
                                                  NumberedMessages::Receiver receiver) {
    RawClient raw(port);
    raw.upgrade("/socket.io/?EIO=4&transport=websocket");
    raw.readText();  // the open packet
    raw.sendText("40");
    const std::string answer = raw.readText();
    if (!answer.starts_with("40{")) throw std::runtime_error("refused: " + answer);
    // What comes from here on is in the socket, not in the object.
    Client& client = _clients.emplace_back(receiver, jsonString(answer, "sid"), std::move(raw));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    if (::epoll_ctl(_poll, EPOLL_CTL_ADD, client.raw.descriptor(), &event) != 0)
        throw std::runtime_error("epoll_ctl");
    return client;
}

bool NumberedClients::greeted(std::string_view servers) const {
    unsigned all = 0;
    for (const char each : servers) all |= greetingOf(each);
    return std::all_of(_clients.begin(), _clients.end(), [all](const Client& each) {
        return !each.open || (each.greetings & all) == all;
    });
}

std::size_t NumberedClients::open() const {
    return static_cast<std::size_t>(std::count_if(
        _clients.begin(), _clients.end(), [](const Client& each) { return each.open.load(); }));
}

void NumberedClients::run() {
    epoll_event events[64];
    for (;;) {
        const int count = ::epoll_wait(_poll, events, 64, -1);
        for (int i = 0; i < count; ++i) {
            if (!events[i].data.ptr) return;
            read(*static_cast<Client*>(events[i].data.ptr));
        }
    }
}

void NumberedClients::read(Client& client) {
    char buffer[65'536];
    const ssize_t size = ::recv(client.raw.descriptor(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) {
        ::epoll_ctl(_poll, EPOLL_CTL_DEL, client.raw.descriptor(), nullptr);
        client.open = false;
        return;
    }
    client.input.append(buffer, static_cast<std::size_t>(size));
    std::string_view left = client.input;
    while (left.size() >= 2) {
        const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(left[at]); };
        std::size_t head = 2, length = byte(1) & 127;
        if (length >= 126) {
            head = length == 126 ? 4 : 10;
            if (left.size() < head) break;
            length = 0;
            for (std::size_t i = 2; i < head; ++i) length = length << 8 | byte(i);
        }
        if (left.size() < head + length) break;
        handle(client, byte(0) & 15, left.substr(head, length));
        left.remove_prefix(head + length);
    }
    client.input.erase(0, client.input.size() - left.size());
}

bool NumberedClients::send(Client& client, std::string_view text) {
    return client.open && write(client, "42[\"n\",\"" + std::string(text) + "\"]");
}

bool NumberedClients::write(Client& client, std::string_view packet) {
    MutexLock lock(client.writing);
    return client.raw.trySend(RawClient::frame(RawFrame::Text, packet));
}

// 42["n","..."]    42<ack id>["n","..."]    42["hello","<server>"]    2, a ping
void NumberedClients::handle(Client& client, int opcode, std::string_view payload) {
    if (opcode != RawFrame::Text) return;
    if (payload == "2") {
        write(client, "3");
        return;
    }
    if (!payload.starts_with("42")) return;
    const std::size_t begin = payload.find('[');
    if (begin == payload.npos) return;
    const std::string_view id = payload.substr(2, begin - 2), data = payload.substr(begin);
    constexpr std::string_view kMessage = "[\"n\",\"", kHello = "[\"hello\",\"", kEnd = "\"]";
    if (data.starts_with(kHello)) {
        client.greetings |= greetingOf(data[kHello.size()]);
        return;
    }
    if (!data.starts_with(kMessage) || !data.ends_with(kEnd)) return;
    const std::string_view text =
        data.substr(kMessage.size(), data.size() - kMessage.size() - kEnd.size());
    if (client.receiver != kNobody) _messages.received(client.receiver, text);
    if (!id.empty()) write(client, "43" + std::string(id) + "[\"" + std::string(text) + "\"]");
}

}  // namespace socketio::test
