#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <utility>
#include <vector>

#include "LoadLoop.h"

namespace socketio {

/// What one round gave.
struct Sample {
    double rate = 0;       ///< Messages per second.
    double cpu = 0;        ///< Microseconds of the server per message.
    double generator = 0;  ///< Microseconds of the load generator per message.
    double p50 = 0;        ///< Microseconds.
    double p99 = 0;
};

inline double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

inline double medianOf(const std::vector<Sample>& samples, double Sample::*field) {
    std::vector<double> values;
    for (const Sample& sample : samples) values.push_back(sample.*field);
    return median(std::move(values));
}

/// User and system time of the load generator.
inline std::int64_t ownCpuNanoseconds() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * 1'000'000'000LL + used.tv_nsec;
}

/// The time of LoadLoop::now() so far ahead.
inline std::int64_t in(int milliseconds) { return LoadLoop::now() + milliseconds * 1'000'000LL; }

}  // namespace socketio
