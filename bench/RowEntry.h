#pragma once

#include <algorithm>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "Rows.h"
#include "Sample.h"

namespace socketio {

/// One contestant within one row. Who fails drops out of the row.
class RowEntry {
public:
    RowEntry() = default;
    virtual ~RowEntry() = default;
    RowEntry(const RowEntry&) = delete;
    RowEntry& operator=(const RowEntry&) = delete;

    /// Something went wrong; the same thing is said once.
    void fault(std::string what) {
        if (std::find(faults.begin(), faults.end(), what) == faults.end())
            faults.push_back(std::move(what));
    }

    /// Runs `step`, unless one before it has thrown.
    void attempt(const std::function<void()>& step) {
        if (_failed) return;
        try {
            step();
        } catch (const std::exception& error) {
            _failed = true;
            fault(error.what());
            stop();
        }
    }

    /// Ends what it runs.
    virtual void stop() = 0;

    std::vector<std::string> faults;

private:
    bool _failed = false;
};

inline void setMedians(BenchResult& result, const std::vector<Sample>& rounds) {
    result.rate = medianOf(rounds, &Sample::rate);
    result.cpuMicroseconds = medianOf(rounds, &Sample::cpu);
    result.generatorMicroseconds = medianOf(rounds, &Sample::generator);
    result.p50Microseconds = medianOf(rounds, &Sample::p50);
    result.p99Microseconds = medianOf(rounds, &Sample::p99);
}

}  // namespace socketio
