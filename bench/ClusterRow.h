#pragma once

#include <vector>

#include "Rows.h"

namespace socketio {

/// Two servers of each contestant on a broker of their own: one emits at a steady rate, each
/// message to one of the row's clients in turn, of which every other is at the second server.
///
/// For each contestant two results: that of the emitting server and its clients, and, under
/// row.otherName(), that of the other. Both servers' CPU is divided by the messages of both.
std::vector<BenchResult> measureCluster(const BenchRow& row,
                                        const std::vector<Contestant>& contestants,
                                        const BenchPlan& plan);

}  // namespace socketio
