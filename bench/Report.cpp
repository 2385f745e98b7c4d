#include "Report.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <sys/utsname.h>
#include <thread>
#include <utility>

namespace socketio {

namespace {

const BenchResult* find(const std::vector<BenchResult>& results, const std::string& row,
                        const std::string& server) {
    const auto found = std::find_if(results.begin(), results.end(), [&](const BenchResult& result) {
        return result.row == row && result.server == server;
    });
    return found == results.end() ? nullptr : &*found;
}

/// What the ratio compares: the CPU per message, for idle clients the memory.
double cost(const BenchResult& result) {
    return result.idleClients > 0 ? result.bytesPerClient : result.cpuMicroseconds;
}

/// Ours to npm's; 0 when one of them was not measured.
double ratio(const std::vector<BenchResult>& results, const std::string& row) {
    const BenchResult* const ours = find(results, row, "ours");
    const BenchResult* const node = find(results, row, "node");
    if (ours == nullptr || node == nullptr || cost(*node) <= 0) return 0;
    return cost(*ours) / cost(*node);
}

std::string number(double value, int decimals) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    std::string result = text;
    const std::size_t point = std::min(result.find('.'), result.size());
    for (std::size_t at = point; at > 3; at -= 3) result.insert(at - 3, 1, ',');
    return result;
}

std::string cell(double value, int decimals) { return value > 0 ? number(value, decimals) : "-"; }

std::string jsonText(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out + '"';
}

std::string firstValue(const char* path, const std::string& key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(key)) continue;
        const std::size_t from = line.find_first_not_of(" \t", line.find(':') + 1);
        return from == std::string::npos ? "" : line.substr(from);
    }
    return "";
}

void verdict(std::FILE* out, const std::string& what, double value, double limit, int decimals,
             const char* unit) {
    std::fprintf(out, "%s  %-46s %s%s (at most %s%s)\n", value <= limit ? "PASS" : "FAIL",
                 what.c_str(), number(value, decimals).c_str(), unit,
                 number(limit, decimals).c_str(), unit);
}

/// Of two servers on a broker: both, beside each of the others.
void clusterVerdict(std::FILE* out, const std::vector<BenchResult>& results) {
    for (const std::string row :
         {"cluster-redis", "cluster-redis-other", "cluster-amqp", "cluster-amqp-other"}) {
        const BenchResult* const ours = find(results, row, "ours");
        if (ours == nullptr) continue;
        if (!ours->faults.empty())
            std::fprintf(out, "FAIL  %s: %s\n", row.c_str(), ours->faults.front().c_str());
        if (!ours->faults.empty() || ours->rate <= 0) continue;
        if (!row.ends_with("-other"))
            std::fprintf(out, "%s  %-46s %s (at least 9,500)\n",
                         ours->rate >= 9'500 ? "PASS" : "FAIL", ("emits/s, " + row).c_str(),
                         number(ours->rate, 0).c_str());
        if (row.starts_with("cluster-redis"))
            verdict(out, "CPU per message, " + row, ours->cpuMicroseconds, 10, 2, " us");
        for (const auto& [server, name] : {std::pair{"node", "npm's"}, {"python", "python's"}}) {
            const BenchResult* const other = find(results, row, server);
            if (other == nullptr || other->rate <= 0) continue;
            verdict(out, std::string("CPU to ") + name + ", " + row,
                    ours->cpuMicroseconds / other->cpuMicroseconds, 1, 3, "");
            verdict(out, std::string("p99 to ") + name + ", " + row,
                    ours->p99Microseconds / other->p99Microseconds, 1, 3, "");
        }
    }
}

}  // namespace

std::string describeMachine() {
    utsname system{};
    ::uname(&system);
    std::string load;
    std::ifstream("/proc/loadavg") >> load;
    std::string tcp;
    std::ifstream("/proc/sys/net/ipv4/tcp_congestion_control") >> tcp;
    const std::string memory = firstValue("/proc/meminfo", "MemTotal");
    return firstValue("/proc/cpuinfo", "model name") + ", " +
           std::to_string(std::thread::hardware_concurrency()) + " cores, " +
           number(std::stod(memory.empty() ? "0" : memory) / 1024 / 1024, 0) + " GB, " +
           system.sysname + " " + system.release + ", TCP " + tcp + ", load " + load;
}

void printHead(std::FILE* out) {
    std::fprintf(out, "%-34s %-7s %10s %10s %10s %10s %10s %9s %10s\n", "", "server", "rate/s",
                 "CPU us", "p50 us", "p99 us", "KB/client", "ours:npm", "load us");
}

void printRow(std::FILE* out, const BenchRow& row, const std::vector<BenchResult>& results) {
    std::string before;  // whose lines these are
    for (const BenchResult& result : results) {
        const bool first = result.row != before;
        before = result.row;
        const std::string& title = result.row == row.name ? row.title : row.otherTitle;
        const double toNode = result.server == "ours" ? ratio(results, result.row) : 0;
        std::fprintf(
            out, "%-34s %-7s %10s %10s %10s %10s %10s %9s %10s\n", first ? title.c_str() : "",
            result.server.c_str(), cell(result.rate, 0).c_str(),
            cell(result.cpuMicroseconds, 2).c_str(), cell(result.p50Microseconds, 0).c_str(),
            cell(result.p99Microseconds, 0).c_str(), cell(result.bytesPerClient / 1024, 2).c_str(),
            cell(toNode, 2).c_str(), cell(result.generatorMicroseconds, 2).c_str());
        for (const std::string& fault : result.faults)
            std::fprintf(out, "%-34s %-7s ! %s\n", "", "", fault.c_str());
    }
    std::fflush(out);
}

void printVerdict(std::FILE* out, const std::vector<BenchResult>& results) {
    const struct {
        const char* row;
        double limit;
    } limits[] = {
        {"echo-100-1", 0.45},  {"echo-1000-1", 0.45}, {"echo-100-16", 0.4},
        {"echo-1000-16", 0.4}, {"broadcast-1", 0.5},  {"broadcast-8", 0.5},
    };
    for (const auto& [row, limit] : limits) {
        const BenchResult* const ours = find(results, row, "ours");
        if (ours == nullptr) continue;
        if (const double value = ratio(results, row); value > 0 && ours->faults.empty())
            verdict(out, std::string("CPU to npm's, ") + row, value, limit, 3, "");
        else if (!ours->faults.empty())
            std::fprintf(out, "FAIL  %s: %s\n", row, ours->faults.front().c_str());
    }
    for (const std::size_t clients : {std::size_t{10'000}, std::size_t{19'000}}) {
        const std::string row = "idle-" + std::to_string(clients);
        const BenchResult* const ours = find(results, row, "ours");
        if (ours == nullptr) continue;
        verdict(out, "memory, " + row, ours->bytesPerClient / 1024, 4, 2, " KB");
        std::fprintf(out, "%s  %-46s %s\n",
                     ours->idleClients >= clients && ours->faults.empty() ? "PASS" : "FAIL",
                     ("clients held, " + row).c_str(),
                     number(static_cast<double>(ours->idleClients), 0).c_str());
    }
    clusterVerdict(out, results);
}

void writeJson(const std::string& path, const std::vector<BenchResult>& results) {
    std::ofstream file(path);
    file << "{\"machine\":" << jsonText(describeMachine()) << ",\"results\":[";
    bool first = true;
    for (const BenchResult& result : results) {
        file << (first ? "" : ",") << "\n{\"row\":" << jsonText(result.row)
             << ",\"server\":" << jsonText(result.server) << ",\"rate\":" << result.rate
             << ",\"cpuMicroseconds\":" << result.cpuMicroseconds
             << ",\"p50Microseconds\":" << result.p50Microseconds
             << ",\"p99Microseconds\":" << result.p99Microseconds
             << ",\"generatorMicroseconds\":" << result.generatorMicroseconds
             << ",\"idleClients\":" << result.idleClients
             << ",\"bytesPerClient\":" << result.bytesPerClient
             << ",\"startMilliseconds\":" << result.startMilliseconds
             << ",\"oursToNpm\":" << (result.server == "ours" ? ratio(results, result.row) : 0)
             << ",\"faults\":[";
        for (std::size_t i = 0; i < result.faults.size(); ++i)
            file << (i > 0 ? "," : "") << jsonText(result.faults[i]);
        file << "]}";
        first = false;
    }
    file << "\n]}\n";
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace socketio
