#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

namespace socketio::test {

/// What handlers write down and tests read. Thread-safe.
class Journal {
public:
    void add(std::string line) {
        const std::lock_guard lock(_mutex);
        _lines.push_back(std::move(line));
        _changed.notify_all();
    }
    std::vector<std::string> lines() const {
        const std::lock_guard lock(_mutex);
        return _lines;
    }
    /// All lines, with "; " between them.
    std::string text() const {
        std::string text;
        for (const std::string& line : lines()) text += (text.empty() ? "" : "; ") + line;
        return text;
    }
    void clear() {
        const std::lock_guard lock(_mutex);
        _lines.clear();
    }
    std::size_t count(const std::string& line) const {
        const std::lock_guard lock(_mutex);
        std::size_t count = 0;
        for (const std::string& each : _lines) count += each == line;
        return count;
    }
    /// Waits for the n-th line; returns all of them, with "; " between them, complete or not.
    std::string waitFor(std::size_t count,
                        std::chrono::milliseconds time = std::chrono::seconds(20)) const {
        {
            std::unique_lock lock(_mutex);
            _changed.wait_for(lock, time, [&] { return _lines.size() >= count; });
        }
        return text();
    }

private:
    mutable std::mutex _mutex;
    mutable std::condition_variable _changed;
    std::vector<std::string> _lines;
};

}  // namespace socketio::test
