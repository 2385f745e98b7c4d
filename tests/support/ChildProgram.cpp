#include "support/ChildProgram.h"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace socketio::test {

namespace {

constexpr auto kDeadline = std::chrono::seconds(20);

}  // namespace

ChildProgram::ChildProgram(const std::vector<std::string>& command, int input) {
    int output[2], error[2];
    if (::pipe2(output, O_CLOEXEC) != 0 || ::pipe2(error, O_CLOEXEC) != 0)
        throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (input >= 0)
        posix_spawn_file_actions_adddup2(&actions, input, 0);
    else
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output[1], 1);
    posix_spawn_file_actions_adddup2(&actions, error[1], 2);
    std::vector<char*> arguments;
    for (const std::string& argument : command)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const int failed =
        ::posix_spawn(&_pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(output[1]);
    ::close(error[1]);
    _output.fd = output[0];
    _error.fd = error[0];
    if (failed != 0) {
        _pid = -1;
        throw std::runtime_error(command[0] + ": " + std::strerror(failed));
    }
}

ChildProgram::~ChildProgram() {
    if (_pid > 0) {
        ::kill(_pid, SIGKILL);
        ::waitpid(_pid, nullptr, 0);
    }
    ::close(_output.fd);
    ::close(_error.fd);
}

bool ChildProgram::read(TimePoint end) {
    pollfd ready[2] = {{_output.fd, POLLIN, 0}, {_error.fd, POLLIN, 0}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0 || ::poll(ready, 2, static_cast<int>(left.count())) == 0)
        throw std::runtime_error("nothing happened in time; it has written: " + _output.text +
                                 _error.text);
    bool any = false;
    for (int i = 0; i < 2; ++i) {
        if (ready[i].revents == 0) continue;
        Stream& stream = i == 0 ? _output : _error;
        char buffer[4096];
        const ssize_t got = ::read(stream.fd, buffer, sizeof buffer);
        if (got > 0) {
            stream.text.append(buffer, static_cast<std::size_t>(got));
            any = true;
        } else {
            ::close(stream.fd);
            stream.fd = -1;
        }
    }
    return any || _output.fd >= 0 || _error.fd >= 0;
}

void ChildProgram::waitFor(Stream& stream, const std::string& text) {
    const TimePoint end = std::chrono::steady_clock::now() + kDeadline;
    while (stream.text.find(text) == std::string::npos)
        if (!read(end))
            throw std::runtime_error("it ended without \"" + text +
                                     "\"; it has written: " + _output.text + _error.text);
}

std::uint16_t ChildProgram::waitForPort(const std::string& scheme) {
    const std::string before = "serving on " + scheme + "://localhost:";
    waitForOutput(before);
    const std::size_t at = _output.text.find(before) + before.size();
    while (_output.text.find('\n', at) == std::string::npos)
        read(std::chrono::steady_clock::now() + kDeadline);
    return static_cast<std::uint16_t>(std::stoi(_output.text.substr(at)));
}

int ChildProgram::wait() {
    const TimePoint end = std::chrono::steady_clock::now() + kDeadline;
    while ((_output.fd >= 0 || _error.fd >= 0) && read(end)) {
    }
    int status = 0;
    ::waitpid(_pid, &status, 0);
    _pid = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void ChildProgram::signal(int number) {
    if (_pid > 0) ::kill(_pid, number);  // kill(-1) would reach everybody
}

std::uint16_t freePort() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
        throw std::runtime_error(std::string("no free port: ") + std::strerror(errno));
    ::close(fd);
    return ntohs(address.sin_port);
}

}  // namespace socketio::test
