#include "MessageBroker.h"

#include <fstream>
#include <utility>

namespace socketio {

void MessageBroker::start(Kind kind) {
    _folder.emplace();
    const std::uint16_t port = freePort();
    kind == Kind::Redis ? startRedis(port) : startRabbit(port);
}

void MessageBroker::stop() {
    _broker.stop();
    _names.stop();
    _folder.reset();
}

void MessageBroker::startRedis(std::uint16_t port) {
    _url = "redis://127.0.0.1:" + std::to_string(port) + "/0";
    _broker.start({"redis-server", "--bind", "127.0.0.1", "--port", std::to_string(port), "--dir",
                   _folder->path(), "--save", "", "--appendonly", "no", "--daemonize", "no"},
                  port);
}

void MessageBroker::startRabbit(std::uint16_t port) {
    const std::string& folder = _folder->path();
    std::ofstream(folder + "/rabbitmq.conf") << "listeners.tcp.1 = 127.0.0.1:" << port << "\n";
    std::ofstream(folder + "/enabled_plugins") << "[].\n";
    std::ofstream(folder + "/env.conf") << "\n";
    const std::string namesPort = std::to_string(freePort());
    _names.start({"epmd", "-address", "127.0.0.1", "-port", namesPort},
                 static_cast<std::uint16_t>(std::stoi(namesPort)));
    const std::string nodePort = std::to_string(freePort());
    _url = "amqp://guest:guest@127.0.0.1:" + std::to_string(port) + "//";
    _broker.start(
        {"env", "HOME=" + folder, "RABBITMQ_NODENAME=bench" + nodePort + "@localhost",
         "RABBITMQ_CONFIG_FILE=" + folder + "/rabbitmq.conf",
         "RABBITMQ_ADVANCED_CONFIG_FILE=" + folder + "/advanced.config",
         "RABBITMQ_CONF_ENV_FILE=" + folder + "/env.conf",
         "RABBITMQ_ENABLED_PLUGINS_FILE=" + folder + "/enabled_plugins",
         "RABBITMQ_FEATURE_FLAGS_FILE=" + folder + "/feature_flags",
         "RABBITMQ_MNESIA_BASE=" + folder + "/tables", "RABBITMQ_LOG_BASE=" + folder + "/log",
         "RABBITMQ_GENERATED_CONFIG_DIR=" + folder + "/generated",
         "RABBITMQ_PID_FILE=" + folder + "/pid", "RABBITMQ_DIST_PORT=" + nodePort,
         // Its schedulers would spin for work on the cores that are measured.
         "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+sbwt none", "ERL_EPMD_PORT=" + namesPort,
         "ERL_EPMD_ADDRESS=127.0.0.1",
         // With it the script becomes the node instead of its parent.
         "NOTIFY_SOCKET=" + folder + "/no-systemd", "/usr/lib/rabbitmq/bin/rabbitmq-server"},
        port, 90);
}

}  // namespace socketio
