#include "LoadClients.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

// For an answer: it comes between two turns, however much there is to do.
constexpr timeval kAnswerTime{60, 0};

}  // namespace

LoadClients::LoadClients(const std::string& kind, std::uint16_t port, std::size_t processes)
    : _postChannels(kind == "polling" || kind == "fastcgi" ? 16 : 0) {
    rlimit most{};
    ::getrlimit(RLIMIT_NOFILE, &most);
    for (std::size_t i = 0; i < processes; ++i) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            throw std::runtime_error(std::string("socketpair: ") + std::strerror(errno));
        ::setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &kAnswerTime, sizeof kAnswerTime);
        Process& process = _processes.emplace_back();
        process.socket = ends[0];
        process.program = std::make_unique<ChildProgram>(
            std::vector<std::string>{"/usr/bin/prlimit",
                                     "--nofile=" + std::to_string(most.rlim_max), LOAD_PROGRAM,
                                     kind, std::to_string(port), std::to_string(_postChannels)},
            ends[1]);
        ::close(ends[1]);
    }
}

LoadClients::~LoadClients() {
    for (const Process& each : _processes) ::close(each.socket);
}

std::string LoadClients::millis(Duration time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

void LoadClients::tell(const std::string& line) {
    for (Process& each : _processes) tell(each, line);
}

void LoadClients::share(const std::string& name, std::size_t count, const std::string& rest) {
    for (std::size_t i = 0; i < _processes.size(); ++i) {
        const std::size_t part = count / (_processes.size() - i);
        count -= part;
        tell(_processes[i], name + " " + std::to_string(part) + rest);
    }
}

void LoadClients::tell(Process& process, const std::string& line) {
    const std::string text = line + "\n";
    if (::send(process.socket, text.data(), text.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(text.size()))
        throw std::runtime_error("the clients have gone: " + process.program->error());
}

void LoadClients::ask(Process& process, Counts& sum) {
    const std::string last = "answer " + std::to_string(++_asked) + "\n";
    tell(process, "ask " + std::to_string(_asked) + " " + std::to_string(_lastBroadcast));
    char buffer[4096];
    while (!process.input.ends_with(last)) {
        const ssize_t size = ::recv(process.socket, buffer, sizeof buffer, 0);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) {
            process.program->wait();
            throw std::runtime_error("the clients do not answer: " + process.program->error());
        }
        process.input.append(buffer, static_cast<std::size_t>(size));
    }
    std::istringstream lines(process.input.substr(0, process.input.size() - last.size()));
    process.input.clear();
    std::uint64_t value = 0;
    for (std::string name; lines >> name >> value;) {
        std::uint64_t& all = sum[name];
        all = name.find('.') != name.npos ? std::max(all, value) : all + value;
    }
}

LoadClients::Counts LoadClients::counts() {
    Counts sum;
    for (Process& each : _processes) ask(each, sum);
    return sum;
}

bool LoadClients::waitUntil(const std::function<bool(Counts& counts)>& condition, Duration time) {
    const TimePoint deadline = Clock::system().now() + time;
    for (;;) {
        Counts now = counts();
        if (condition(now)) return true;
        if (Clock::system().now() > deadline) return false;
        std::this_thread::sleep_for(20ms);  // they have better to do than to count
    }
}

std::string LoadClients::faults() {
    Counts now = counts();
    std::string text;
    for (const char* const name :
         {"refused", "dropped", "unanswered", "behind", "early", "late", "wrong"})
        if (now[name] > 0) text += std::string(name) + " " + std::to_string(now[name]) + " ";
    return text;
}

}  // namespace socketio::test
