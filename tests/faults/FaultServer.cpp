#include "FaultServer.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/Waiting.h"

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

constexpr auto kTime = 20s;  // for what should take a moment

std::uint16_t numberAfter(const std::string& text, const std::string& before) {
    const std::size_t at = text.find(before);
    if (at == text.npos) throw std::runtime_error("no line \"" + before + "\"");
    return static_cast<std::uint16_t>(std::stoi(text.substr(at + before.size())));
}

}  // namespace

class FaultServer::Folder {
public:
    Folder() {
        path = (std::filesystem::temp_directory_path() / "socketio-faults-XXXXXX").string();
        if (!::mkdtemp(path.data())) throw std::runtime_error("no temporary folder");
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string path;
};

FaultServer::FaultServer(const Options& options) : _folder(std::make_unique<Folder>()) {
    _certificates.add("server");
    _logFile = options.logFile.empty() ? _folder->path + "/log" : options.logFile;
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        throw std::runtime_error(std::string("socketpair: ") + std::strerror(errno));
    _socket = ends[0];

    std::vector<std::string> command;
    if (!options.limits.empty()) {
        command.emplace_back("/usr/bin/prlimit");
        command.insert(command.end(), options.limits.begin(), options.limits.end());
    }
    // Otherwise the allocator keeps ever more of what was freed: what is left cannot be told.
    for (const char* const each : {"/usr/bin/env", "MALLOC_MMAP_THRESHOLD_=131072"})
        command.emplace_back(each);
    command.insert(command.end(), options.environment.begin(), options.environment.end());
    for (const char* const each :
         {SERVER_PROGRAM, "--app", FAULT_APPLICATION, "--listen", "http://127.0.0.1:0", "--listen",
          "https://127.0.0.1:0", "--listen", "fastcgi://127.0.0.1:0"})
        command.emplace_back(each);
    // What can be set twice counts as it is set last.
    std::vector<std::string> settings{"tls.certificate=" + _certificates.path("server.pem"),
                                      "tls.key=" + _certificates.path("server.key"),
                                      "log.file=" + _logFile,
                                      "hub.keptWorkers=8",
                                      "hub.maxWorkers=8",
                                      "server.stopTimeout=10000"};
    settings.insert(settings.end(), options.settings.begin(), options.settings.end());
    for (const std::string& each : settings) {
        command.emplace_back("--set");
        command.push_back(each);
    }
    try {
        _program = std::make_unique<ChildProgram>(command, ends[1]);
        ::close(ends[1]);
        _program->waitForOutput("serving on FastCGI on 127.0.0.1:");
        while (_program->output().back() != '\n') _program->waitForOutput("\n");
    } catch (...) {
        ::close(_socket);
        throw;
    }
    _port = _program->waitForPort("http");
    _tlsPort = _program->waitForPort("https");
    _fastCgiPort = numberAfter(_program->output(), "serving on FastCGI on 127.0.0.1:");
    _thread = std::thread([this] { read(); });
}

FaultServer::~FaultServer() {
    // It may be stopped by a signal, or blocked in a handler.
    _program.reset();
    ::shutdown(_socket, SHUT_RDWR);
    _thread.join();
    ::close(_socket);
}

void FaultServer::reportTo(Listener listener) {
    MutexLock lock(_listening);
    _listener = std::move(listener);
}

void FaultServer::command(const std::string& line) {
    const std::string text = line + "\n";
    MutexLock lock(_sending);
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t sent = ::send(_socket, text.data() + at, text.size() - at, MSG_NOSIGNAL);
        if (sent > 0)
            at += static_cast<std::size_t>(sent);
        else if (errno != EINTR)
            throw std::runtime_error("the server has gone: " + log());
    }
}

void FaultServer::read() {
    std::string input;
    std::vector<char> buffer(1 << 18);
    for (;;) {
        const ssize_t size = ::recv(_socket, buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        input.append(buffer.data(), static_cast<std::size_t>(size));
        std::size_t begin = 0;
        for (std::size_t end; (end = input.find('\n', begin)) != input.npos; begin = end + 1)
            take(std::string_view(input).substr(begin, end - begin));
        input.erase(0, begin);
        _changed.notifyAll();
    }
}

void FaultServer::take(std::string_view line) {
    const auto word = [&line] {
        const std::size_t space = line.find(' ');
        const std::string_view first = line.substr(0, space);
        line.remove_prefix(space == line.npos ? line.size() : space + 1);
        return std::string(first);
    };
    const std::string_view whole = line;
    const std::string kind = word();
    if (kind == "n") {
        word();
        MutexLock lock(_listening);
        if (_listener) _listener(line);
        return;
    }
    MutexLock lock(_mutex);
    if (kind == "connect") {
        ++_connects;
    } else if (kind == "disconnect") {
        const std::string sid = word();
        std::string& reason = _reasons[sid];
        if (!reason.empty()) ++_twice;
        reason = line;
        ++_disconnects[reason];
    } else {
        _said.emplace_back(whole);
    }
}

std::size_t FaultServer::connected() const {
    MutexLock lock(_mutex);
    return static_cast<std::size_t>(_connects) - _reasons.size();
}

std::uint64_t FaultServer::connects() const {
    MutexLock lock(_mutex);
    return _connects;
}

std::string FaultServer::reasonOf(const std::string& sid) const {
    MutexLock lock(_mutex);
    const auto found = _reasons.find(sid);
    return found == _reasons.end() ? "" : found->second;
}

std::uint64_t FaultServer::disconnects(const std::string& reason) const {
    MutexLock lock(_mutex);
    std::uint64_t count = 0;
    for (const auto& [each, times] : _disconnects)
        if (reason.empty() || each == reason) count += times;
    return count;
}

std::uint64_t FaultServer::disconnectedTwice() const {
    MutexLock lock(_mutex);
    return _twice;
}

bool FaultServer::waitUntil(const std::function<bool()>& condition, Duration time) const {
    const TimePoint deadline = Clock::system().now() + time;
    while (!condition()) {
        MutexLock lock(_mutex);
        const TimePoint now = Clock::system().now();
        if (now > deadline) return false;
        // The condition looks at more than this mutex guards: once more, now and then.
        _changed.waitUntil(_mutex, now + 20ms);
    }
    return true;
}

std::size_t FaultServer::said(const std::string& beginning) const {
    MutexLock lock(_mutex);
    return static_cast<std::size_t>(
        std::count_if(_said.begin(), _said.end(),
                      [&](const std::string& each) { return each.starts_with(beginning); }));
}

Footprint FaultServer::footprintNow() const {
    const std::string process = "/proc/" + std::to_string(pid());
    const auto count = [&](const char* folder) {
        const std::filesystem::directory_iterator entries(process + folder);
        return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
    };
    std::ifstream statm(process + "/statm");
    std::size_t total = 0, resident = 0;
    statm >> total >> resident;
    return {count("/fd"), count("/task"),
            resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))};
}

Footprint FaultServer::footprint() {
    unsigned number;
    {
        MutexLock lock(_mutex);
        number = ++_asked;
    }
    command("ask " + std::to_string(number) + " trim");
    const std::string answer = "answer " + std::to_string(number);
    if (!waitUntil([&] { return said(answer) > 0; }, kTime))
        throw std::runtime_error("the server does not answer");
    return footprintNow();
}

std::string FaultServer::leftOver(const Footprint& base, std::size_t mayKeepBytes) {
    Footprint now;
    const bool good = eventually(
        [&] {
            now = footprint();
            return now.descriptors <= base.descriptors && now.threads <= base.threads &&
                   now.residentBytes <= base.residentBytes + mayKeepBytes;
        },
        kTime);
    if (good) return {};
    std::ostringstream text;
    text << "descriptors " << base.descriptors << " -> " << now.descriptors << ", threads "
         << base.threads << " -> " << now.threads << ", memory " << base.residentBytes / 1024
         << " -> " << now.residentBytes / 1024 << " KiB";
    return text.str();
}

int FaultServer::stop() {
    _program->signal(SIGTERM);
    return _program->wait();
}

bool FaultServer::runs() const {
    siginfo_t info{};
    return _program->pid() > 0 &&
           ::waitid(P_PID, static_cast<id_t>(_program->pid()), &info,
                    WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

std::string FaultServer::log() const {
    std::ifstream file(_logFile);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::size_t fromEnvironment(const char* name, std::size_t otherwise) {
    const char* const value = std::getenv(name);
    return value && *value ? std::strtoul(value, nullptr, 10) : otherwise;
}

}  // namespace socketio::test
