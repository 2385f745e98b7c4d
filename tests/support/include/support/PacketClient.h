#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "support/RawClient.h"

namespace socketio::test {

/// One message as it is wrapped into Engine.IO: a Socket.IO packet, or an attachment of one.
struct Message {
    std::string data;
    bool binary = false;

    Message(const char* text) : data(text) {}
    Message(std::string text) : data(std::move(text)) {}
    static Message attachment(std::string bytes) {
        Message message(std::move(bytes));
        message.binary = true;
        return message;
    }
    bool operator==(const Message&) const = default;
};

/// A client that speaks Socket.IO packets over either transport and either revision of Engine.IO,
/// byte for byte as clients write them. Shares no code with the server on purpose. In text that it
/// returns, an attachment stands as `<bytes>`.
///
/// Threads: one at a time.
/// Errors:  std::runtime_error, as of RawClient; ends the test.
class PacketClient {
public:
    enum class Transport { Polling, WebSocket };
    struct Way {
        Transport transport;
        int revision;  ///< Of Engine.IO: 3 or 4.
    };
    static constexpr Way kWays[] = {{Transport::Polling, 4},
                                    {Transport::WebSocket, 4},
                                    {Transport::Polling, 3},
                                    {Transport::WebSocket, 3}};

    PacketClient(std::uint16_t port, Way way, std::string_view query = {},
                 RawClient::Options options = {"127.0.0.1", std::chrono::seconds(20), 0});

    /// A client that has joined the main namespace and `nsp`. Throws when it is refused.
    static PacketClient joined(std::uint16_t port, Way way, std::string_view nsp = "/");

    const std::string& sid() const { return _sid; }  ///< Of the session.
    /// For messages of failed assertions: "polling, revision 4".
    static std::string name(Way way);
    std::string name() const { return name(_way); }
    bool polling() const { return _way.transport == Transport::Polling; }
    int revision() const { return _way.revision; }
    /// `/socket.io/?EIO=4&transport=polling&sid=...`
    std::string target() const;

    void say(const Message& message) { say(std::vector<Message>{message}); }
    /// In one POST, whose answer must be `ok`, or one frame each.
    void say(const std::vector<Message>& messages);
    /// What say() writes: a whole request, or masked frames. Over polling the answer waits at
    /// writer().
    std::string bytes(const std::vector<Message>& messages) const;
    RawClient& writer() { return _writer; }
    /// An Engine.IO packet as it is: `1` closes.
    void sayEngine(std::string_view packet);

    /// The next message; answers or sends what heartbeats want. Throws when the session has ended.
    std::string next();
    /// Joins a namespace; returns the answer. Clients of revision 3 are in the main one unasked:
    /// that is its answer.
    std::string connect(std::string_view nsp = "/", std::string_view auth = {});
    /// True when the server's `echo` event answers and nothing came before it: what was sent until
    /// now has been handled and nothing else is on its way. Needs the main namespace.
    bool quiet();
    /// The messages up to the end of the session. Throws when it does not end in time.
    std::vector<std::string> rest();
    /// After rest(): what the server said at the end. WebSocket: the code of its close frame, 0 for
    /// none. Polling: the status of the refused poll, or 1 for a close packet.
    int ending() const { return _ending; }
    /// GET one poll, or what one frame holds, into the queue; false when the session has ended.
    bool receive();
    /// The GET that takes poll answers, or the WebSocket.
    RawClient& reader() { return polling() ? _reader : _writer; }

    /// Its connections, without a word.
    void close() {
        _writer.close();
        _reader.close();
    }

    static std::string payload(int revision, const std::vector<std::string>& packets);
    std::string payload(const std::vector<std::string>& packets) const {
        return payload(revision(), packets);
    }
    std::vector<std::string> packets(std::string_view payload) const;

private:
    std::string enginePacket(const Message& message) const;
    void take(std::string_view packet);

    const Way _way;
    RawClient _writer;  // POSTs, or the WebSocket
    RawClient _reader;  // GETs
    std::string _sid;
    std::deque<std::string> _messages;
    int _ending = -1;
    int _fences = 0;
};

std::string encodeBase64(std::string_view bytes);
std::string decodeBase64Text(std::string_view text);

}  // namespace socketio::test
