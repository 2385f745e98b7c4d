#include "RabbitServer.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

#include <Poco/Net/NetException.h>
#include <Poco/Net/StreamSocket.h>

#include "support/Waiting.h"

namespace socketio::test {

namespace {

const std::string kPrograms = "/usr/lib/rabbitmq/bin/";

bool answers(std::uint16_t port) {
    try {
        Poco::Net::StreamSocket socket(Poco::Net::SocketAddress("127.0.0.1", port));
        return true;
    } catch (const Poco::Exception&) {
        return false;
    }
}

}  // namespace

RabbitServer::RabbitServer()
    : _port(freePort()), _tlsPort(freePort()), _nodePort(freePort()), _epmdPort(freePort()) {
    _certificates.add("broker");
    std::string folder = (std::filesystem::temp_directory_path() / "rabbit-XXXXXX").string();
    if (!::mkdtemp(folder.data())) throw std::runtime_error("mkdtemp");
    _folder = folder;
    std::ofstream(_folder + "/rabbitmq.conf")
        << "listeners.tcp.1 = 127.0.0.1:" << _port << "\nlisteners.ssl.1 = 127.0.0.1:" << _tlsPort
        << "\nssl_options.cacertfile = " << _certificates.ca()
        << "\nssl_options.certfile = " << _certificates.path("broker.pem")
        << "\nssl_options.keyfile = " << _certificates.path("broker.key")
        << "\nlog.console = false\n";
    std::ofstream(_folder + "/enabled_plugins") << "[].\n";
    std::ofstream(_folder + "/env.conf") << "\n";
    // As a child it can be ended; the one that a node starts by itself stays.
    _epmd = std::make_unique<ChildProgram>(
        std::vector<std::string>{"/usr/bin/setpriv", "--pdeathsig", "KILL", "epmd", "-address",
                                 "127.0.0.1", "-port", std::to_string(_epmdPort)});
    if (!eventually([&] { return answers(_epmdPort); }))
        throw std::runtime_error("epmd does not start: " + _epmd->error());
    start();
}

RabbitServer::~RabbitServer() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(_folder, ignored);
}

RabbitServer& RabbitServer::shared() {
    static RabbitServer server;
    return server;
}

std::vector<std::string> RabbitServer::environment() const {
    const std::string f = _folder;
    return {"/usr/bin/env", "HOME=" + f,
            "RABBITMQ_NODENAME=test" + std::to_string(_nodePort) + "@localhost",
            "RABBITMQ_CONFIG_FILE=" + f + "/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE=" + f + "/advanced.config",
            "RABBITMQ_CONF_ENV_FILE=" + f + "/env.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE=" + f + "/enabled_plugins",
            "RABBITMQ_FEATURE_FLAGS_FILE=" + f + "/feature_flags",
            "RABBITMQ_MNESIA_BASE=" + f + "/tables", "RABBITMQ_LOG_BASE=" + f + "/log",
            "RABBITMQ_LOGS=" + f + "/log/broker.log",
            "RABBITMQ_GENERATED_CONFIG_DIR=" + f + "/generated", "RABBITMQ_PID_FILE=" + f + "/pid",
            "RABBITMQ_DIST_PORT=" + std::to_string(_nodePort),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+sbwt none",
            "ERL_EPMD_PORT=" + std::to_string(_epmdPort), "ERL_EPMD_ADDRESS=127.0.0.1",
            // With it the script becomes the node instead of its parent.
            "NOTIFY_SOCKET=" + f + "/no-systemd"};
}

void RabbitServer::start() {
    std::vector<std::string> command{"/usr/bin/setpriv", "--pdeathsig", "KILL"};
    for (const std::string& each : environment()) command.push_back(each);
    command.push_back(kPrograms + "rabbitmq-server");
    _server = std::make_unique<ChildProgram>(command);
    // Both listeners: TCP comes first.
    if (!eventually([&] { return answers(_port) && answers(_tlsPort); }, std::chrono::seconds(90)))
        throw std::runtime_error("rabbitmq-server does not start: " + _folder + "/log");
}

void RabbitServer::kill() {
    if (!_server) return;
    _server->signal(SIGCONT);
    _server->signal(SIGKILL);
    _server.reset();
}

std::string RabbitServer::control(const std::vector<std::string>& arguments) const {
    std::vector<std::string> command = environment();
    command.insert(command.end(), {kPrograms + "rabbitmqctl", "-q"});
    command.insert(command.end(), arguments.begin(), arguments.end());
    ChildProgram program(command);
    const int status = program.wait();
    if (status != 0) throw std::runtime_error(arguments[0] + ": " + program.error());
    return program.output();
}

}  // namespace socketio::test
