#pragma once

#include <string>
#include <vector>

#include "Rows.h"

namespace socketio {

/// What a row is to cost: as a part of what npm's socket.io costs in the same run, and on a quiet
/// machine with two cores.
struct Goal {
    const char* row;
    double ratio;
    double absolute;  ///< Microseconds, for idle clients KB. 0: there is none.
    const char* unit;
};

/// Null when the row has no goal.
const Goal* goalOf(const std::string& row);

/// The result of a server in a row, or null.
const BenchResult* findResult(const std::vector<BenchResult>& results, const std::string& row,
                              const std::string& server);

/// What costs are compared by: CPU per message in microseconds, for idle clients memory in KB.
double costOf(const BenchResult& result);

/// The part that a server's cost is of npm's in the same row; 0 when one of them was not measured.
double ratioToNpm(const std::vector<BenchResult>& results, const BenchResult& result);

/// What the goal compares: ratioToNpm(), or, where handlers block, p99 to p99 without those.
double goalRatio(const std::vector<BenchResult>& results, const BenchResult& result);

/// True for our server, whichever way it is started.
bool isOurs(const std::string& server);

/// "0.23 (7.50)  met", or nothing when the row has no goal or the result no ratio.
std::string goalText(const std::vector<BenchResult>& results, const BenchResult& result);

}  // namespace socketio
