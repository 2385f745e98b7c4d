#include "support/RedisServer.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/Waiting.h"

namespace socketio::test {

namespace {

bool takesConnections(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const bool connected =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return connected;
}

std::string text(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

RedisServer::RedisServer(std::vector<std::string> arguments, bool startNow) : _port(freePort()) {
    _command = {"/usr/bin/setpriv", "--pdeathsig", "KILL", "/usr/bin/redis-server", "--bind",
                "127.0.0.1", "--unixsocket", socketPath(), "--dir", _folder.path, "--save", "",
                "--appendonly", "no", "--daemonize", "no",
                // Its output is read by nobody.
                "--logfile", _folder.path + "/redis.log"};
    bool listens = false;
    for (std::string& each : arguments) {
        listens = listens || each == "{port}";
        _command.push_back(each == "{port}" ? std::to_string(_port) : std::move(each));
    }
    if (!listens) _command.insert(_command.end(), {"--port", "0"});
    if (startNow) start();
}

RedisServer::~RedisServer() = default;

RedisServer::Folder::Folder()
    : path((std::filesystem::temp_directory_path() / "socketio-redis-XXXXXX").string()) {
    if (!::mkdtemp(path.data())) throw std::runtime_error("no temporary folder");
}

RedisServer::Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}

void RedisServer::start() {
    _program = std::make_unique<ChildProgram>(_command);
    if (!eventually([this] { return takesConnections(socketPath()); }))
        throw std::runtime_error("redis-server does not start: " +
                                 text(_folder.path + "/redis.log"));
}

void RedisServer::kill() {
    _program->signal(SIGKILL);
    _program->wait();
}

void RedisServer::pause() { _program->signal(SIGSTOP); }

void RedisServer::resume() { _program->signal(SIGCONT); }

}  // namespace socketio::test
