#include "ServerProcess.h"

#include <arpa/inet.h>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <signal.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace socketio {

namespace {

using SteadyClock = std::chrono::steady_clock;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

bool accepts(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    const bool connected =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return connected;
}

}  // namespace

std::uint16_t freePort() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        ::close(fd);
        throw std::runtime_error("no free port");
    }
    ::close(fd);
    return ntohs(address.sin_port);
}

ServerProcess::~ServerProcess() { stop(); }

void ServerProcess::start(std::vector<std::string> command) {
    const std::uint16_t port = freePort();
    command.push_back(std::to_string(port));
    start(std::move(command), port);
}

void ServerProcess::start(std::vector<std::string> command, std::uint16_t port, int seconds) {
    _port = port;
    _log = ::memfd_create("server", MFD_CLOEXEC);
    std::vector<char*> argv;
    for (std::string& argument : command) argv.push_back(argument.data());
    argv.push_back(nullptr);

    const auto begin = SteadyClock::now();
    _pid = ::fork();
    if (_pid < 0) throw std::runtime_error("fork failed");
    if (_pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(_log, STDOUT_FILENO);
        ::dup2(_log, STDERR_FILENO);
        ::setenv("NODE_ENV", "production", 1);
        ::execvp(argv[0], argv.data());
        ::dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], std::strerror(errno));
        ::_exit(127);
    }
    while (!accepts(_port)) {
        if (!running() || SteadyClock::now() - begin > std::chrono::seconds(seconds)) {
            const std::string words = lastWords();
            stop();
            throw std::runtime_error(command[0] + " did not start: " + words);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    _startMilliseconds =
        std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
    // The same figure as in /proc/<pid>/stat, in nanoseconds instead of ticks of 10 ms.
    if (::clock_getcpuclockid(_pid, &_cpuClock) != 0)
        throw std::runtime_error("no CPU clock of the server");
}

void ServerProcess::stop() {
    if (_pid > 0) {
        ::kill(_pid, SIGTERM);
        const auto deadline = SteadyClock::now() + std::chrono::seconds(10);
        while (running() && SteadyClock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        if (_pid > 0) {
            ::kill(_pid, SIGKILL);
            ::waitpid(_pid, nullptr, 0);
            _pid = -1;
        }
    }
    if (_log >= 0) ::close(_log);
    _log = -1;
}

bool ServerProcess::running() {
    if (_pid > 0 && ::waitpid(_pid, nullptr, WNOHANG) == _pid) _pid = -1;
    return _pid > 0;
}

std::int64_t ServerProcess::cpuNanoseconds() const {
    timespec used{};
    if (::clock_gettime(_cpuClock, &used) != 0) throw std::runtime_error("the server has ended");
    return used.tv_sec * 1'000'000'000LL + used.tv_nsec;
}

std::size_t ServerProcess::residentBytes() const {
    std::ifstream status("/proc/" + std::to_string(_pid) + "/status");
    std::string word;
    while (status >> word) {
        if (word != "VmRSS:") continue;
        std::size_t kilobytes = 0;
        status >> kilobytes;
        return kilobytes * 1024;
    }
    throw std::runtime_error("the server has ended");
}

void ServerProcess::waitUntilQuiet(int milliseconds) const {
    const auto deadline = SteadyClock::now() + std::chrono::milliseconds(milliseconds);
    std::int64_t before = cpuNanoseconds();
    while (SteadyClock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        const std::int64_t after = cpuNanoseconds();
        if (after - before < 2'000'000) return;
        before = after;
    }
}

std::string ServerProcess::lastWords() const {
    const off_t size = ::lseek(_log, 0, SEEK_END);
    const off_t from = size > 2000 ? size - 2000 : 0;
    std::string words(static_cast<std::size_t>(size - from), '\0');
    const ssize_t got = ::pread(_log, words.data(), words.size(), from);
    words.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return words.empty() ? "it said nothing" : words;
}

}  // namespace socketio
