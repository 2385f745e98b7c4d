#include "HostLookup.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <Poco/Exception.h>

#include "socketio/base/FileDescriptor.h"

namespace socketio {

struct HostLookup::Query {
    /// What getaddrinfo() says.
    void ask(const std::string& host, std::uint16_t port, int flags) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = flags | AI_NUMERICSERV;
        addrinfo* found = nullptr;
        error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
        if (error == EAI_SYSTEM) systemError = errno;
        if (error != 0) return;
        for (const addrinfo* each = found; each; each = each->ai_next) {
            Address address;
            address.size = each->ai_addrlen;
            std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
            addresses.push_back(address);
        }
        ::freeaddrinfo(found);
    }

    const FileDescriptor event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    std::atomic<bool> finished{false};
    // The asking thread's until it has finished.
    std::vector<Address> addresses;
    int error = 0, systemError = 0;
};

std::vector<HostLookup::Address> HostLookup::find(const StopSignal& stop, TimePoint deadline) {
    Query numeric;
    numeric.ask(_host, _port, AI_NUMERICHOST);
    if (!numeric.addresses.empty()) return numeric.addresses;
    if (!_running) {
        auto query = std::make_shared<Query>();
        if (!query->event.valid()) throw Poco::SystemException(std::strerror(errno));
        std::thread([query, host = _host, port = _port] {
            query->ask(host, port, 0);
            query->finished.store(true, std::memory_order_release);
            const std::uint64_t one = 1;
            [[maybe_unused]] const ssize_t written = ::write(query->event.get(), &one, sizeof one);
        }).detach();
        _running = std::move(query);
    }
    if (!stop.wait(_running->event.get(), POLLIN, deadline) ||
        !_running->finished.load(std::memory_order_acquire))
        throw Poco::IOException("the name server does not answer");
    const auto query = std::exchange(_running, nullptr);
    if (query->error == EAI_SYSTEM) throw Poco::IOException(std::strerror(query->systemError));
    if (query->error != 0) throw Poco::IOException(::gai_strerror(query->error));
    return std::move(query->addresses);
}

}  // namespace socketio
