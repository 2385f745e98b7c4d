// The comparison with other servers: starts each, loads it from one thread, prints one table.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "Goals.h"
#include "Report.h"
#include "Rows.h"

namespace {

namespace fs = std::filesystem;
using socketio::BenchPlan;
using socketio::BenchResult;
using socketio::BenchRow;
using socketio::Contestant;

constexpr const char* kUsage =
    "usage: bench [--quick] [--only ROW] [--servers ours,node,python] [--rounds N] [--json FILE]\n"
    "             [--peers DIR]\n"
    "\n"
    "  --quick         some rows in two minutes, with less precise figures; with --only those\n"
    "  --only ROW      only the row ROW, or all that begin with it; may be repeated\n"
    "  --servers LIST  who takes part, in this order; ours-pool, ours-adaptive and ours-inline "
    "are\n"
    "                  ours in that dispatch mode\n"
    "  --rounds N      how often each row is measured; the medians are printed\n"
    "  --json FILE     the figures also as JSON\n"
    "  --peers DIR     where the other servers are\n"
    "\n"
    "rows:";

struct Options {
    bool quick = false;
    bool help = false;
    int rounds = 0;
    std::vector<std::string> only;
    std::vector<std::string> servers{"ours", "node", "python"};
    std::string json;
    fs::path peers = SOCKETIO_BENCH_PEERS;
};

/// By its whole name, or as one of those that begin with it.
bool wanted(const BenchRow& row, const std::vector<std::string>& only) {
    const auto& rows = socketio::benchRows();
    return only.empty() || std::any_of(only.begin(), only.end(), [&](const std::string& name) {
               const bool exact = std::any_of(rows.begin(), rows.end(), [&](const BenchRow& other) {
                   return other.name == name;
               });
               return exact ? row.name == name : row.name.starts_with(name);
           });
}

Options parse(int argc, char** argv) {
    Options options;
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& name = arguments[i];
        const auto value = [&]() -> const std::string& {
            if (i + 1 == arguments.size()) throw std::runtime_error(name + " needs a value");
            return arguments[++i];
        };
        if (name == "--quick") {
            options.quick = true;
        } else if (name == "--help" || name == "-h") {
            options.help = true;
        } else if (name == "--only") {
            options.only.push_back(value());
            const auto& rows = socketio::benchRows();
            if (std::none_of(rows.begin(), rows.end(), [&](const BenchRow& row) {
                    return wanted(row, {options.only.back()});
                }))
                throw std::runtime_error("no row " + options.only.back());
        } else if (name == "--servers") {
            options.servers.clear();
            std::istringstream list(value());
            for (std::string server; std::getline(list, server, ',');)
                options.servers.push_back(server);
        } else if (name == "--rounds") {
            const std::string& text = value();
            options.rounds = std::atoi(text.c_str());
            if (options.rounds < 1) throw std::runtime_error("--rounds " + text + " is no number");
        } else if (name == "--json") {
            options.json = value();
        } else if (name == "--peers") {
            options.peers = value();
        } else {
            throw std::runtime_error("unknown option " + name);
        }
    }
    return options;
}

Contestant contestant(const std::string& name, const fs::path& peers, bool quick) {
    if (socketio::isOurs(name)) {
        const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "bench-server";
        if (!fs::exists(program)) throw std::runtime_error("no " + program.string());
        std::vector<std::string> command{program};
        constexpr std::string_view kMode = "ours-";
        if (name.starts_with(kMode))
            command.insert(command.end(), {"--dispatch", name.substr(kMode.size())});
        return {name, std::move(command), "--port"};
    }
    if (name == "node") {
        if (!fs::exists(peers / "node_modules" / "socket.io"))
            throw std::runtime_error("no socket.io in " + peers.string() + ": run `npm ci` there");
        return {name, {"node", peers / "server.js"}};
    }
    if (name == "python") {
        if (std::system("/usr/bin/python3 -c 'import socketio, eventlet' 2>/dev/null") != 0)
            throw std::runtime_error("install python3-socketio and python3-eventlet");
        return {name,  {"/usr/bin/python3", peers / "server.py"},
                {},    quick ? 2'000U : 10'000U,
                1'100, 2'000};
    }
    throw std::runtime_error("unknown server " + name);
}

/// As many as 19,000 clients need and no more; the servers inherit the limit.
void limitDescriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max = std::min<rlim_t>(limit.rlim_max, 20'000);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse(argc, argv);
        if (options.help) {
            std::puts(kUsage);
            for (const BenchRow& row : socketio::benchRows())
                std::printf("  %-14s %s\n", row.name.c_str(), row.title.c_str());
            return 0;
        }
        std::vector<Contestant> contestants;
        for (const std::string& name : options.servers)
            contestants.push_back(contestant(name, options.peers, options.quick));
        BenchPlan plan = options.quick ? BenchPlan::quick() : BenchPlan();
        if (options.rounds > 0) plan.rounds = options.rounds;
        limitDescriptors();

        std::printf(
            "%s\n%s rounds, medians; CPU of the server and of the load generator per "
            "message\n\n",
            socketio::describeMachine().c_str(), std::to_string(plan.rounds).c_str());
        socketio::printHead(stdout);
        std::vector<BenchResult> all;
        for (const BenchRow& row : socketio::benchRows()) {
            if (!wanted(row, options.only)) continue;
            if (options.quick && options.only.empty() && !row.quick) continue;
            const std::vector<BenchResult> results = socketio::measure(row, contestants, plan);
            socketio::printRow(stdout, row, results);
            all.insert(all.end(), results.begin(), results.end());
        }
        std::puts("");
        socketio::printVerdict(stdout, all);
        if (!options.json.empty()) socketio::writeJson(options.json, all);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench: %s\n", error.what());
        return 2;
    }
}
