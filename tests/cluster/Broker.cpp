// A broker of a test's own; it prints `listening on PORT` when it takes connections, and ends at
// SIGTERM, the broker with it.
//
//     cluster-broker redis|rabbitmq
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>

#include "RabbitServer.h"
#include "support/RedisServer.h"

namespace {

template <class Broker>
int serve() {
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    Broker broker;  // before the signals are blocked, which its children would inherit
    sigprocmask(SIG_BLOCK, &end, nullptr);
    std::printf("listening on %u\n", static_cast<unsigned>(broker.port()));
    std::fflush(stdout);
    int signal = 0;
    sigwait(&end, &signal);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::string_view kind = argc > 1 ? argv[1] : "";
        if (kind == "redis") return serve<socketio::test::RedisServer>();
        if (kind == "rabbitmq") return serve<socketio::test::RabbitServer>();
        std::fprintf(stderr, "usage: cluster-broker redis|rabbitmq\n");
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
    }
    return 2;
}
