#include "RepeatedKeys.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace socketio {

namespace {

/// SipHash-1-3 (Aumasson, Bernstein) with a key of this process: nobody outside can choose keys
/// that collide.
class KeyHash {
public:
    static const KeyHash& instance() {
        static const KeyHash hash;
        return hash;
    }

    std::uint64_t operator()(std::string_view text) const {
        State s{_k0 ^ 0x736f6d6570736575u, _k1 ^ 0x646f72616e646f6du, _k0 ^ 0x6c7967656e657261u,
                _k1 ^ 0x7465646279746573u};
        std::size_t at = 0;
        for (; text.size() - at >= 8; at += 8) {
            std::uint64_t word;
            std::memcpy(&word, text.data() + at, sizeof word);
            s.absorb(word);
        }
        std::uint64_t last = static_cast<std::uint64_t>(text.size()) << 56;
        for (std::size_t i = 0; at + i < text.size(); ++i)
            last |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[at + i])) << 8 * i;
        s.absorb(last);
        s.v2 ^= 0xFF;
        for (int i = 0; i < 3; ++i) s.round();
        return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    }

private:
    struct State {
        std::uint64_t v0, v1, v2, v3;

        void round() {
            v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
            v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
            v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
            v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
        }
        void absorb(std::uint64_t word) {
            v3 ^= word;
            round();
            v0 ^= word;
        }
    };

    KeyHash() {
        std::random_device random;
        const auto word = [&random] {
            return static_cast<std::uint64_t>(random()) << 32 | random();
        };
        _k0 = word();
        _k1 = word();
    }

    std::uint64_t _k0, _k1;
};

constexpr std::size_t kFewMembers = 8;  // compared with each other, without a table

/// For each member the position of the first one with its key, by `visit(later, first)` where the
/// two differ, in order.
template <class Visitor>
void forEachRepeated(const Value::Object& members, Visitor&& visit) {
    const std::size_t count = members.size();
    if (count <= kFewMembers) {
        for (std::size_t later = 1; later < count; ++later)
            for (std::size_t first = 0; first < later; ++first)
                if (members[first].first == members[later].first) {
                    visit(later, first);
                    break;
                }
        return;
    }
    struct Slot {
        std::uint32_t hash = 0, position = 0;  // position + 1; 0: free
    };
    std::vector<Slot> slots(std::bit_ceil(count * 2));
    const std::size_t mask = slots.size() - 1;
    const KeyHash& hashOf = KeyHash::instance();
    for (std::size_t later = 0; later < count; ++later) {
        const std::string& key = members[later].first;
        const std::uint64_t hash = hashOf(key);
        const auto tag = static_cast<std::uint32_t>(hash >> 32);
        for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
            Slot& slot = slots[at];
            if (slot.position == 0) {
                slot = {tag, static_cast<std::uint32_t>(later + 1)};
                break;
            }
            if (slot.hash == tag && members[slot.position - 1].first == key) {
                visit(later, slot.position - 1);
                break;
            }
        }
    }
}

}  // namespace

void dropRepeatedKeys(Value::Object& members) {
    std::vector<std::size_t> dropped;
    forEachRepeated(members, [&](std::size_t later, std::size_t first) {
        members[first].second = std::move(members[later].second);
        dropped.push_back(later);
    });
    if (dropped.empty()) return;
    std::size_t kept = dropped.front(), next = 0;
    for (std::size_t at = kept; at < members.size(); ++at) {
        if (next < dropped.size() && dropped[next] == at) {
            ++next;
            continue;
        }
        members[kept++] = std::move(members[at]);
    }
    members.resize(kept);
}

}  // namespace socketio
