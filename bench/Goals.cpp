#include "Goals.h"

#include <algorithm>
#include <cstdio>

namespace socketio {

const Goal* goalOf(const std::string& row) {
    static const Goal goals[] = {
        {"echo-100-1", 0.23, 7.5, "us"},  {"echo-1000-1", 0.35, 10.5, "us"},
        {"echo-100-16", 0.10, 1.6, "us"}, {"broadcast-1", 0.36, 5.8, "us"},
        {"broadcast-8", 0.12, 1.5, "us"}, {"poll", 0.13, 20, "us"},
        {"connect", 0.12, 60, "us"},      {"idle-10000", 0.13, 2, "KB"},
        {"idle-19000", 0.13, 2, "KB"},    {"blocked", 2, 0, ""},
    };
    const auto* const found = std::find_if(std::begin(goals), std::end(goals),
                                           [&](const Goal& goal) { return row == goal.row; });
    return found == std::end(goals) ? nullptr : found;
}

const BenchResult* findResult(const std::vector<BenchResult>& results, const std::string& row,
                              const std::string& server) {
    const auto found = std::find_if(results.begin(), results.end(), [&](const BenchResult& result) {
        return result.row == row && result.server == server;
    });
    return found == results.end() ? nullptr : &*found;
}

double costOf(const BenchResult& result) {
    return result.idleClients > 0 ? result.bytesPerClient / 1024 : result.cpuMicroseconds;
}

double ratioToNpm(const std::vector<BenchResult>& results, const BenchResult& result) {
    const BenchResult* const node = findResult(results, result.row, "node");
    return node == nullptr || costOf(*node) <= 0 ? 0 : costOf(result) / costOf(*node);
}

double goalRatio(const std::vector<BenchResult>& results, const BenchResult& result) {
    if (result.row != "blocked") return ratioToNpm(results, result);
    const BenchResult* const without = findResult(results, "blocked-other", result.server);
    return without == nullptr || without->p99Microseconds <= 0
               ? 0
               : result.p99Microseconds / without->p99Microseconds;
}

bool isOurs(const std::string& server) { return server.starts_with("ours"); }

std::string goalText(const std::vector<BenchResult>& results, const BenchResult& result) {
    const Goal* const goal = goalOf(result.row);
    const double ratio = goalRatio(results, result);
    if (goal == nullptr || ratio <= 0) return "";
    char text[100];
    const bool met = ratio <= goal->ratio && result.faults.empty();
    if (goal->absolute > 0)
        std::snprintf(text, sizeof text, "%.2f (%g %s) %s", goal->ratio, goal->absolute, goal->unit,
                      met ? "met" : "not met");
    else
        std::snprintf(text, sizeof text, "p99 %.2fx (%gx) %s", ratio, goal->ratio,
                      met ? "met" : "not met");
    return text;
}

}  // namespace socketio
