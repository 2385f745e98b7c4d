#include "StressClients.h"

#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace socketio::test {

namespace {

/// The number at the beginning of `text`, which is taken off.
std::uint64_t takeNumber(std::string_view& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) throw std::runtime_error("no number: " + std::string(text));
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

bool takeText(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}

/// The next whole text frame, taken off `bytes`; empty when it has not all come.
std::string_view takeFrame(std::string_view& bytes) {
    if (bytes.size() < 2) return {};
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
    std::size_t head = 2, length = byte(1);
    if (byte(0) != (0x80 | RawFrame::Text)) throw std::runtime_error("not a whole text frame");
    if (length == 126) {
        head = 4;
        if (bytes.size() < head) return {};
        length = static_cast<std::size_t>(byte(2) << 8 | byte(3));
    } else if (length > 126) {
        throw std::runtime_error("no message of ours is that long");
    }
    if (bytes.size() < head + length) return {};
    const std::string_view payload = bytes.substr(head, length);
    bytes.remove_prefix(head + length);
    return payload;
}

}  // namespace

StressClients::StressClients(std::uint16_t port, std::size_t clients, std::size_t window)
    : _window(window), _poll(::epoll_create1(EPOLL_CLOEXEC)) {
    if (_poll < 0) throw std::runtime_error("epoll_create1");
    for (std::size_t i = 0; i < clients; ++i) {
        RawClient raw(port);
        raw.upgrade("/socket.io/?EIO=4&transport=websocket");
        raw.readText();  // the open packet
        raw.sendText("40{\"client\":" + std::to_string(i) + "}");
        if (const std::string answer = raw.readText(); !answer.starts_with("40{"))
            throw std::runtime_error("refused: " + answer);
        Client& client = _clients.emplace_back(std::move(raw));
        client.heard.resize(clients);
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLET;
        event.data.ptr = &client;
        if (::epoll_ctl(_poll, EPOLL_CTL_ADD, client.raw.descriptor(), &event) != 0)
            throw std::runtime_error("epoll_ctl");
    }
}

StressClients::~StressClients() { ::close(_poll); }

void StressClients::run(std::uint64_t each, std::uint64_t passedOn) {
    const std::uint64_t answers = _totals.answers + each * _clients.size();
    for (Client& client : _clients) {
        client.sent = client.echoed = client.answered = 0;
        refill(client, each);
    }
    while (_totals.answers < answers || _totals.passedOn < passedOn) {
        epoll_event events[64];
        const int count = ::epoll_wait(_poll, events, 64, 20'000);
        if (count == 0)
            throw std::runtime_error(std::to_string(answers - _totals.answers) +
                                     " answers are missing, and " +
                                     std::to_string(passedOn - _totals.passedOn) + " passed on");
        for (int i = 0; i < count; ++i) {
            auto& client = *static_cast<Client*>(events[i].data.ptr);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read(client);
            refill(client, each);
        }
    }
    if (_totals.answers > answers || _totals.passedOn > passedOn)
        throw std::runtime_error("more came than was sent");
}

void StressClients::refill(Client& client, std::uint64_t each) {
    // Half a window at a time, so that several arrive together.
    if (client.sent - client.answered <= _window / 2) {
        while (client.sent < each && client.sent - client.answered < _window) {
            const std::string event = eventName(client.sent % kEvents);
            const std::string number = std::to_string(client.sent++);
            client.output += RawClient::frame(RawFrame::Text,
                                              "42" + number + "[\"" + event + "\"," + number + "]");
        }
    }
    write(client);
}

void StressClients::write(Client& client) {
    while (!client.output.empty()) {
        const ssize_t sent = ::send(client.raw.descriptor(), client.output.data(),
                                    client.output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) return;  // EPOLLOUT tells
        if (sent < 0) throw std::runtime_error("the server has closed a connection");
        client.output.erase(0, static_cast<std::size_t>(sent));
    }
}

void StressClients::read(Client& client) {
    char buffer[65'536];
    for (;;) {
        const ssize_t size = ::recv(client.raw.descriptor(), buffer, sizeof buffer, MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN) break;
        if (size <= 0) throw std::runtime_error("the server has closed a connection");
        client.input.append(buffer, static_cast<std::size_t>(size));
    }
    std::string_view left = client.input;
    for (std::string_view packet; !(packet = takeFrame(left)).empty();) handle(client, packet);
    client.input.erase(0, client.input.size() - left.size());
}

void StressClients::handle(Client& client, std::string_view packet) {
    const std::string_view whole = packet;
    const auto unexpected = [&](const char* what, std::uint64_t expected) {
        throw std::runtime_error(std::string(what) + " " + std::to_string(expected) +
                                 " was to come: " + std::string(whole));
    };
    if (packet == "2") {
        client.output += RawClient::frame(RawFrame::Text, "3");
    } else if (takeText(packet, "42[\"echo\",")) {
        if (takeNumber(packet) != client.echoed++) unexpected("echo", client.echoed - 1);
        ++_totals.echoes;
    } else if (takeText(packet, "43")) {
        const std::uint64_t id = takeNumber(packet);
        if (id != client.answered++) unexpected("answer", client.answered - 1);
        if (!takeText(packet, "[") || takeNumber(packet) != id) unexpected("answer", id);
        if (client.echoed <= id) unexpected("its echo", id);
        ++_totals.answers;
    } else if (takeText(packet, "42[\"from\",")) {
        std::uint64_t& heard = client.heard.at(takeNumber(packet));
        if (!takeText(packet, ",") || takeNumber(packet) != heard++)
            unexpected("passed on", heard - 1);
        ++_totals.passedOn;
    } else if (packet.starts_with("42") && packet.find("[\"question\",") != packet.npos) {
        packet.remove_prefix(2);
        const std::uint64_t id = takeNumber(packet);
        if (!takeText(packet, "[\"question\",")) unexpected("question", id);
        const std::uint64_t n = takeNumber(packet);
        client.output += RawClient::frame(
            RawFrame::Text, "43" + std::to_string(id) + "[" + std::to_string(n) + "]");
        ++_totals.questions;
    } else {
        unexpected("anything else", 0);
    }
}

}  // namespace socketio::test
