#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "Rows.h"

namespace socketio {

/// The processor, cores, memory, kernel and load of this machine, in one line.
std::string describeMachine();

/// The line above the table.
void printHead(std::FILE* out);
/// The lines of one row, with the ratio of ours to npm's socket.io on our line.
void printRow(std::FILE* out, const BenchRow& row, const std::vector<BenchResult>& results);
/// The goals of what was measured, met or not, and what went wrong.
void printVerdict(std::FILE* out, const std::vector<BenchResult>& results);

/// Writes everything as JSON; throws std::runtime_error naming a file that cannot be written.
void writeJson(const std::string& path, const std::vector<BenchResult>& results);

}  // namespace socketio
