#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace socketio {

/// Counts durations in buckets that are 1/64 of their value wide or finer.
class LatencyHistogram {
public:
    void add(std::int64_t nanoseconds) {
        const auto value = static_cast<std::uint64_t>(nanoseconds < 0 ? 0 : nanoseconds);
        ++_buckets[bucketOf(value)];
        ++_count;
    }

    void clear() {
        _buckets.fill(0);
        _count = 0;
    }

    std::uint64_t count() const { return _count; }

    /// The duration in microseconds that `fraction` of all do not exceed; 0 when there are none.
    double percentile(double fraction) const {
        if (_count == 0) return 0;
        const auto rank = static_cast<std::uint64_t>(fraction * static_cast<double>(_count - 1));
        std::uint64_t seen = 0;
        for (std::size_t bucket = 0; bucket < _buckets.size(); ++bucket) {
            seen += _buckets[bucket];
            if (seen > rank) return static_cast<double>(lowestOf(bucket)) / 1000.0;
        }
        return 0;
    }

private:
    static constexpr unsigned kSteps = 64;  // per power of two
    static constexpr unsigned kStepBits = 6;

    static std::size_t bucketOf(std::uint64_t value) {
        if (value < kSteps) return value;
        const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kStepBits;
        return (shift + 1) * kSteps + ((value >> shift) - kSteps);
    }

    static std::uint64_t lowestOf(std::size_t bucket) {
        if (bucket < kSteps) return bucket;
        const std::size_t shift = bucket / kSteps - 1;
        return static_cast<std::uint64_t>(bucket % kSteps + kSteps) << shift;
    }

    std::array<std::uint64_t, (64 - kStepBits + 1) * kSteps> _buckets{};
    std::uint64_t _count = 0;
};

}  // namespace socketio
