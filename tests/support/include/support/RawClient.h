#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socketio::test {

class TlsClientContext;
class TlsStream;

/// An HTTP response as it came over the wire.
struct RawResponse {
    int status = 0;
    std::string reason;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;      ///< Without its chunk framing.
    bool chunked = false;  ///< The body came in chunks.

    /// The first header of that name, in any case; empty when there is none.
    std::string header(std::string_view name) const;
    std::size_t count(std::string_view name) const;
};

/// A WebSocket frame as it came over the wire.
struct RawFrame {
    enum Opcode { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };

    int opcode = 0;
    bool final = true;
    int reserved = 0;  ///< The RSV bits, 0 to 7.
    bool masked = false;
    std::string payload;

    /// The code of a close frame; 1005 when it has none.
    int closeCode() const;
};

/// A blocking TCP client that sends whatever bytes a test wants and reads HTTP responses and
/// WebSocket frames. Shares no code with the server on purpose.
///
/// Threads: one at a time.
/// Errors:  std::runtime_error when the deadline of a call passes, the peer closes in the middle
///          of what is read, or what it sends is neither HTTP nor a frame. Ends the test.
class RawClient {
public:
    struct Options {
        std::string host = "127.0.0.1";             ///< Or the path of a Unix socket.
        std::chrono::milliseconds deadline{5'000};  ///< Of every call.
        int receiveBuffer = 0;                      ///< SO_RCVBUF; 0 leaves the system's.
        std::shared_ptr<TlsClientContext> tls{};    ///< Speaks TLS; null: plain.
    };

    explicit RawClient(std::uint16_t port) : RawClient(port, Options()) {}
    RawClient(std::uint16_t port, Options options);
    ~RawClient();
    RawClient(RawClient&& other) noexcept;
    RawClient& operator=(RawClient&& other) noexcept;

    /// Sends all of it.
    void send(std::string_view bytes);
    /// The same in pieces of `size` bytes, each in a segment of its own.
    void sendInPieces(std::string_view bytes, std::size_t size);
    /// False when the peer has closed before all was sent; for input that the server may refuse
    /// while it still arrives.
    bool trySend(std::string_view bytes);

    /// `METHOD target HTTP/1.1` with Host, `headers` (whole lines, each ending in CRLF), and a
    /// Content-Length when there is a body.
    void request(std::string_view method, std::string_view target, std::string_view headers = {},
                 std::string_view body = {});
    static std::string requestBytes(std::string_view method, std::string_view target,
                                    std::string_view headers = {}, std::string_view body = {});

    /// One whole response, also an interim one (100, 101). `method` is that of the request: the
    /// answer to HEAD has no body.
    RawResponse readResponse(std::string_view method = "GET");
    /// The head alone; the body stays to be read with readExactly() and the like.
    RawResponse readHead();
    /// One chunk of a chunked body; empty for the last.
    std::string readChunk();
    /// request() and readResponse().
    RawResponse get(std::string_view target, std::string_view headers = {});
    RawResponse post(std::string_view target, std::string_view body, std::string_view headers = {});

    /// Waits until the peer's kernel has all that was sent; its program may not have read it yet.
    void waitUntilReceived();
    /// Bytes that have come and were not read.
    std::size_t unread() const;

    std::string readExactly(std::size_t size);
    /// Everything until the peer's FIN or reset.
    std::string readToEnd();
    /// True when something (or the end) can be read within `time`.
    bool readable(std::chrono::milliseconds time);
    /// True when the peer closes within `time` and sends nothing before.
    bool closedWithin(std::chrono::milliseconds time);

    /// A WebSocket handshake that must succeed; returns the 101.
    RawResponse upgrade(std::string_view target = "/", std::string_view headers = {});
    static std::string upgradeRequest(std::string_view target = "/", std::string_view headers = {});
    /// The Sec-WebSocket-Accept that belongs to the key of upgradeRequest().
    static std::string upgradeAccept() { return "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; }

    static std::string frame(int opcode, std::string_view payload, bool final = true);
    void sendFrame(int opcode, std::string_view payload, bool final = true) {
        send(frame(opcode, payload, final));
    }
    void sendText(std::string_view text) { sendFrame(RawFrame::Text, text); }
    void sendBinary(std::string_view bytes) { sendFrame(RawFrame::Binary, bytes); }
    void sendClose(int code, std::string_view reason = {});
    RawFrame readFrame();
    /// The payload of the next frame, which must be an unfragmented text.
    std::string readText();

    void shutdownWrite();  ///< FIN: half close.
    void reset();          ///< RST.
    void close();
    int descriptor() const { return _descriptor; }
    std::uint16_t localPort() const;
    /// Null on a plain connection.
    TlsStream* tls() const { return _tls.get(); }
    /// Bytes as they are, past TLS.
    bool trySendRaw(std::string_view bytes);

    void setDeadline(std::chrono::milliseconds deadline) { _options.deadline = deadline; }

private:
    using TimePoint = std::chrono::steady_clock::time_point;

    TimePoint end() const { return std::chrono::steady_clock::now() + _options.deadline; }
    void wait(short events, TimePoint end, const char* what);
    bool receive(TimePoint end, const char* what);  // false: the end of the stream
    void secure();
    std::string takeLine(TimePoint end, const char* what);
    std::string take(std::size_t size, TimePoint end, const char* what);
    RawResponse readHead(TimePoint end);
    std::string readChunk(TimePoint end);

    Options _options;
    int _descriptor = -1;
    std::string _input;  // received and not yet taken
    std::unique_ptr<TlsStream> _tls;
};

}  // namespace socketio::test
