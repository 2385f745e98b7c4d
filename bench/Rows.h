#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "MessageBroker.h"

namespace socketio {

/// A server that takes part.
struct Contestant {
    std::string name;                  ///< "ours", "node" or "python"
    std::vector<std::string> command;  ///< Options follow, then `portOption` and the port.
    std::string portOption{};          ///< Empty: the port stands alone.
    std::size_t mostIdle = 19'000;     ///< More idle clients would take too long to connect.
    std::size_t mostTalking = 19'000;  ///< More clients would be left out of rows that measure CPU.
    int mostEmits = 10'000;            ///< Per second: more are too many for two of it.
};

/// How long and how often is measured.
struct BenchPlan {
    int rounds = 5;
    int warmUpMilliseconds = 500;
    int windowMilliseconds = 2000;
    std::size_t connects = 3000;
    int connectSeconds = 60;    ///< For opening the clients of a row.
    int heartbeatSeconds = 30;  ///< That the most idle clients are held: over one pingInterval.

    static BenchPlan quick();
};

/// One line of the table: the medians of the rounds.
struct BenchResult {
    std::string row;
    std::string server;
    double rate = 0;                   ///< Messages, connects or cycles per second.
    double cpuMicroseconds = 0;        ///< Of the server per message.
    double generatorMicroseconds = 0;  ///< Of the load generator per message.
    double p50Microseconds = 0;
    double p99Microseconds = 0;
    std::size_t idleClients = 0;  ///< Rows of idle clients: how many were held.
    double bytesPerClient = 0;
    double startMilliseconds = 0;     ///< From fork to the first connection accepted.
    std::vector<std::string> faults;  ///< What went wrong; the figures are in doubt.
};

/// One row of the table.
struct BenchRow {
    enum class Kind { Echo, Broadcast, Connect, Poll, Idle, Cluster };
    enum class Front { None, NginxHttp, NginxFastCgi };

    std::string name;
    std::string title;
    Kind kind{};
    std::size_t clients = 0;
    std::size_t inFlight = 0;
    /// What stands before the server. FastCGI is for ours only; the others are behind the same
    /// nginx over HTTP.
    Front front = Front::None;
    std::string option{};  ///< What our server is started with, besides.
    bool tls = false;      ///< Clients speak TLS to the server; who cannot is left out.
    /// Clusters: of the lines of the server that does not emit. With blockers: of those without.
    std::string otherTitle{};
    MessageBroker::Kind broker = MessageBroker::Kind::Redis;

    std::size_t payload = 0;   ///< Bytes of the echo's argument; 0: the usual 32 characters.
    bool binary = false;       ///< The payload is an attachment.
    std::size_t blockers = 0;  ///< Further clients, whose handlers block.
    int mostRounds = 1000;     ///< However many the plan has.
    bool quick = false;        ///< Measured by --quick, too.

    /// Of the second results of a row: see otherTitle.
    std::string otherName() const { return name + "-other"; }
};

const std::vector<BenchRow>& benchRows();

/// Measures `row` for all contestants, their rounds taken in turn so that noise meets all alike.
std::vector<BenchResult> measure(const BenchRow& row, const std::vector<Contestant>& contestants,
                                 const BenchPlan& plan);

}  // namespace socketio
