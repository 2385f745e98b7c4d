#include "Report.h"

#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <sys/utsname.h>
#include <thread>
#include <utility>

#include "Goals.h"

namespace socketio {

namespace {

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

/// What a command writes: one line, empty when there is no such program.
std::string outputOf(const char* command) {
    std::string line;
    if (std::FILE* const pipe = ::popen(command, "r")) {
        char text[200] = "";
        if (std::fgets(text, sizeof text, pipe) != nullptr) line = text;
        ::pclose(pipe);
    }
    while (!line.empty() && line.back() == '\n') line.pop_back();
    return line;
}

std::vector<std::pair<std::string, std::string>> describeVersions() {
    return {
        {"compiler", __VERSION__},
        {"node", outputOf("node --version 2>/dev/null")},
        {"socket.io", outputOf("node -p \"require('" SOCKETIO_BENCH_PEERS
                               "/node_modules/socket.io/package.json').version\" 2>/dev/null")},
        {"python", outputOf("/usr/bin/python3 --version 2>/dev/null")},
        {"python-socketio", outputOf("dpkg-query -W -f '${Version}' python3-socketio 2>/dev/null")},
    };
}

std::string titleOf(const std::string& name) {
    for (const BenchRow& row : benchRows()) {
        if (name == row.name) return row.title;
        if (name == row.otherName()) return row.title + ":" + row.otherTitle.substr(1);
    }
    return name;
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
        const BenchResult* const ours = findResult(results, row, "ours");
        if (ours == nullptr) continue;
        if (!ours->faults.empty() || ours->rate <= 0) continue;
        if (!row.ends_with("-other"))
            std::fprintf(out, "%s  %-46s %s (at least 9,500)\n",
                         ours->rate >= 9'500 ? "PASS" : "FAIL", ("emits/s, " + row).c_str(),
                         number(ours->rate, 0).c_str());
        if (row.starts_with("cluster-redis"))
            verdict(out, "CPU per message, " + row, ours->cpuMicroseconds, 10, 2, " us");
        for (const auto& [server, name] : {std::pair{"node", "npm's"}, {"python", "python's"}}) {
            const BenchResult* const other = findResult(results, row, server);
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
    std::fprintf(out, "%-34s %-13s %10s %10s %10s %10s %10s %8s  %-23s %9s\n", "", "server",
                 "rate/s", "CPU us", "p50 us", "p99 us", "KB/client", "ours:npm", "goal",
                 "load us");
}

void printRow(std::FILE* out, const BenchRow& row, const std::vector<BenchResult>& results) {
    std::string before;  // whose lines these are
    for (const BenchResult& result : results) {
        const bool first = result.row != before;
        before = result.row;
        const std::string& title = result.row == row.name ? row.title : row.otherTitle;
        const bool ours = isOurs(result.server);
        std::fprintf(
            out, "%-34s %-13s %10s %10s %10s %10s %10s %8s  %-23s %9s\n",
            first ? title.c_str() : "", result.server.c_str(), cell(result.rate, 0).c_str(),
            cell(result.cpuMicroseconds, 2).c_str(), cell(result.p50Microseconds, 0).c_str(),
            cell(result.p99Microseconds, 0).c_str(), cell(result.bytesPerClient / 1024, 2).c_str(),
            cell(ours ? ratioToNpm(results, result) : 0, 2).c_str(),
            ours ? goalText(results, result).c_str() : "",
            cell(result.generatorMicroseconds, 2).c_str());
        for (const std::string& fault : result.faults)
            std::fprintf(out, "%-34s %-13s ! %s\n", "", "", fault.c_str());
    }
    std::fflush(out);
}

void printVerdict(std::FILE* out, const std::vector<BenchResult>& results) {
    std::fprintf(out, "%-34s %18s %18s   %s\n", "goal", "to npm in this run", "absolute",
                 "(judged by what is to npm)");
    for (const BenchResult& result : results) {
        const Goal* const goal = goalOf(result.row);
        const double ratio = goalRatio(results, result);
        if (goal == nullptr || ratio <= 0 || !isOurs(result.server)) continue;
        const bool p99 = result.row == "blocked";
        std::string absolute;
        if (goal->absolute > 0)
            absolute =
                number(costOf(result), 2) + " <= " + number(goal->absolute, 2) + " " + goal->unit;
        std::fprintf(
            out, "%-34s %18s %18s   %s\n",
            (result.row + (result.server == "ours" ? "" : ", " + result.server)).c_str(),
            ((p99 ? "p99 " : "") + number(ratio, 2) + " <= " + number(goal->ratio, 2)).c_str(),
            absolute.c_str(),
            !result.faults.empty() ? ("not met: " + result.faults.front()).c_str()
            : ratio <= goal->ratio ? "met"
                                   : "not met");
    }
    for (const BenchResult& result : results)
        if (isOurs(result.server) && !result.faults.empty())
            std::fprintf(out, "FAIL  %s: %s\n", result.row.c_str(), result.faults.front().c_str());
    clusterVerdict(out, results);
}

void writeJson(const std::string& path, const std::vector<BenchResult>& results) {
    std::ofstream file(path);
    file << "{\"machine\":" << jsonText(describeMachine()) << ",\n\"versions\":{";
    bool first = true;
    for (const auto& [name, version] : describeVersions()) {
        file << (first ? "" : ",") << jsonText(name) << ':' << jsonText(version);
        first = false;
    }
    file << "},\n\"results\":[";
    first = true;
    for (const BenchResult& result : results) {
        const Goal* const goal = isOurs(result.server) ? goalOf(result.row) : nullptr;
        file << (first ? "" : ",") << "\n{\"row\":" << jsonText(result.row)
             << ",\"title\":" << jsonText(titleOf(result.row))
             << ",\"server\":" << jsonText(result.server) << ",\"rate\":" << result.rate
             << ",\"cpuMicroseconds\":" << result.cpuMicroseconds
             << ",\"p50Microseconds\":" << result.p50Microseconds
             << ",\"p99Microseconds\":" << result.p99Microseconds
             << ",\"generatorMicroseconds\":" << result.generatorMicroseconds
             << ",\"idleClients\":" << result.idleClients
             << ",\"bytesPerClient\":" << result.bytesPerClient
             << ",\"startMilliseconds\":" << result.startMilliseconds
             << ",\"toNpm\":" << ratioToNpm(results, result);
        if (goal != nullptr)
            file << ",\"goalRatio\":" << goal->ratio << ",\"goalAbsolute\":" << goal->absolute
                 << ",\"reached\":" << goalRatio(results, result);
        file << ",\"faults\":[";
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
