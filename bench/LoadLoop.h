#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace socketio {

class TcpClient;

/// The load generator's one epoll loop. Confined to one thread.
class LoadLoop {
public:
    LoadLoop();
    ~LoadLoop();
    LoadLoop(const LoadLoop&) = delete;
    LoadLoop& operator=(const LoadLoop&) = delete;

    /// Connections opened from here on speak TLS and believe any certificate.
    void useTls();

    /// Handles what is ready, after waiting for it at most so long.
    void turn(int waitMilliseconds);

    /// Monotonic nanoseconds.
    static std::int64_t now();

    /// For what a client gathers while its bytes are handled; any client may use it next.
    std::string& scratch() { return _scratch; }

private:
    friend class TcpClient;
    static constexpr std::size_t kReadBytes = 4 * 1024 * 1024;

    int _epoll;
    ssl_ctx_st* _tls = nullptr;
    std::unique_ptr<char[]> _readBuffer;  // of whichever client is being read
    std::string _scratch;
    unsigned _nextSource = 0;  // source addresses are taken in turn
};

/// One connection to the server on the loopback interface.
///
/// Lives until the loop's turn is over: never destroyed inside a callback.
class TcpClient {
public:
    explicit TcpClient(LoadLoop& loop) : _loop(loop) {}
    virtual ~TcpClient();
    TcpClient(const TcpClient&) = delete;
    TcpClient& operator=(const TcpClient&) = delete;

    /// Begins to connect; onConnected() or onClosed() follows.
    void open(std::uint16_t port);
    /// Ends the connection with a reset, so that no port stays in TIME_WAIT. No callback follows.
    void reset();
    /// The server's kernel has taken the connection.
    bool connected() const { return _fd >= 0 && !_connecting; }
    /// Sends now; what the kernel does not take follows as soon as it does.
    void send(std::string_view bytes);

protected:
    virtual void onConnected() = 0;
    /// Returns how many bytes it has used; the others come again together with new ones.
    virtual std::size_t onBytes(std::string_view bytes) = 0;
    virtual void onClosed() = 0;

    LoadLoop& _loop;

private:
    friend class LoadLoop;
    void ready(std::uint32_t events);
    void connected();
    long write(std::string_view bytes);
    long read(char* buffer, std::size_t size);
    void watch(int operation, std::uint32_t events);
    void lost();

    int _fd = -1;
    ssl_st* _ssl = nullptr;  // over the descriptor
    bool _connecting = false;
    bool _handshaking = false;
    std::string _unread;
    std::string _unsent;
};

}  // namespace socketio
