#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Clock.h"
#include "socketio/base/Mutex.h"

namespace socketio::test {

/// What came of numbered messages. All is well when good().
struct Verdict {
    std::uint64_t attempted = 0;         ///< Messages.
    std::uint64_t refused = 0;           ///< Of those: the emit threw.
    std::uint64_t expected = 0;          ///< Receipts: messages times those they were for.
    std::uint64_t received = 0;          ///< Receipts, each once.
    std::uint64_t lost = 0;              ///< Expected and not received.
    std::uint64_t duplicated = 0;        ///< Received again.
    std::uint64_t reordered = 0;         ///< Received after a later one of the same stream.
    std::uint64_t corrupt = 0;           ///< Not what was sent.
    std::uint64_t unexpected = 0;        ///< Never sent, or not to this receiver.
    std::uint64_t silent = 0;            ///< Streams without a receipt: nothing was checked there.
    std::vector<std::string> anomalies;  ///< The first ten.

    bool good() const { return lost == 0 && goodButForLosses(); }
    bool goodButForLosses() const {
        return duplicated + reordered + corrupt + unexpected + silent == 0 && received > 0;
    }
    /// Numbers and anomalies, for a failed assertion.
    std::string text() const;
};

/// Makes numbered messages, hears which of them arrive where, and says which were lost, doubled,
/// swapped or changed on the way, as Jepsen's set and queue checkers do.
///
///     stream     what one sender sends one way (to a room, to all, to one): numbered, in order
///     receiver   who hears; of every stream that is meant for it all, once, in order
///
/// What a receiver has not heard counts as lost. Where a sender or a receiver is gone (ended(),
/// left()), what follows the last message that was heard does not: that has to be a prefix.
///
/// Threads: thread-safe; a stream is sent by one thread.
class NumberedMessages {
public:
    using Stream = std::size_t;
    using Receiver = std::size_t;
    /// Which of all pairs of a stream and a receiver are meant.
    using Pairs = std::function<bool(Stream, Receiver)>;
    /// The next number of every stream.
    using Mark = std::vector<std::size_t>;

    /// What has another `run` is unexpected.
    explicit NumberedMessages(std::string run);

    Receiver addReceiver(std::string name);
    Stream addStream(std::string name, std::vector<Receiver> receivers);

    /// The next message of the stream, for all its receivers or those of them in `audience`. To be
    /// called right before it is sent.
    std::string attempt(Stream stream);
    std::string attempt(Stream stream, const std::vector<Receiver>& audience);
    /// The last attempt failed: nobody has to hear it.
    void refused(Stream stream);
    void received(Receiver receiver, std::string_view message);

    void ended(Stream stream);
    void left(Receiver receiver);

    // Each false when `deadline` came first.

    /// Until no receiver of the stream is `window` messages behind.
    bool waitForRoom(Stream stream, std::size_t window, TimePoint deadline);
    /// Until all has been received that was attempted.
    bool waitUntilComplete(TimePoint deadline);
    /// Until the pairs have heard something that was attempted after the mark.
    bool waitUntilHeard(const Mark& since, const Pairs& pairs, TimePoint deadline);
    /// Until the last message of every stream that goes on has been heard.
    bool waitUntilSettled(const Pairs& pairs, TimePoint deadline);

    Mark mark() const;
    /// Of what was attempted after the mark; without one, of all.
    std::uint64_t lost(const Pairs& pairs, const Mark& since = {}) const;
    std::uint64_t attempted() const;
    Verdict verdict() const;

    /// As attempt() writes it, for a test of the checker.
    static std::string message(std::string_view run, Stream stream, std::size_t number);

private:
    enum class State : std::uint8_t { NotMeant, Expected, Refused, Received };

    struct Lane {
        Receiver receiver = 0;
        std::vector<State> states;  // by number
        std::size_t next = 0;       // after the greatest number heard
        std::uint64_t expected = 0, received = 0;
    };
    struct Sender {
        std::string name;
        std::vector<Lane> lanes;
        std::vector<std::size_t> laneOf;  // by receiver; kNone
        std::size_t attempted = 0;
        std::uint64_t refused = 0;
        bool ended = false;
    };

    Lane* laneOf(Stream stream, Receiver receiver) SOCKETIO_REQUIRES(_mutex);
    std::uint64_t lostIn(const Sender& sender, const Lane& lane, std::size_t since = 0) const
        SOCKETIO_REQUIRES(_mutex);
    void anomaly(const char* what, Receiver receiver, std::string_view message)
        SOCKETIO_REQUIRES(_mutex);
    template <class Condition>
    bool wait(Condition condition, TimePoint deadline);

    const std::string _run;
    mutable Mutex _mutex;
    Condition _changed;
    std::vector<std::string> _receivers SOCKETIO_GUARDED_BY(_mutex);
    std::vector<bool> _left SOCKETIO_GUARDED_BY(_mutex);
    std::vector<Sender> _senders SOCKETIO_GUARDED_BY(_mutex);
    std::size_t _waiting SOCKETIO_GUARDED_BY(_mutex) = 0;
    Verdict _seen SOCKETIO_GUARDED_BY(_mutex);  // what shows when it arrives
};

}  // namespace socketio::test
