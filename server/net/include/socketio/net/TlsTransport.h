#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <Poco/AutoPtr.h>

#include "socketio/base/Timers.h"

struct bio_st;
struct ssl_st;
namespace Poco::Net {
class Context;
}

namespace socketio {

class TlsContext;

/// What the TLS connections of one loop share: nothing of it is kept from call to call.
///
/// Owner: the LoopContext. Threads: confined to the loop.
class TlsBuffers {
public:
    static constexpr std::size_t kInputBytes = 96 * 1024;
    static constexpr std::size_t kRecordBytes = 16 * 1024;  // RFC 8446 §5.1

    /// Throws Poco::Net::SSLException (no memory).
    TlsBuffers();
    ~TlsBuffers();
    TlsBuffers(const TlsBuffers&) = delete;
    TlsBuffers& operator=(const TlsBuffers&) = delete;

    const std::unique_ptr<char[]> input{new char[kInputBytes]};    ///< What recv() gave.
    const std::unique_ptr<char[]> record{new char[kRecordBytes]};  ///< Small frames, put together.
    std::string output;                                            ///< Records to be sent.

private:
    friend class TlsTransport;
    struct Method;

    /// Where OpenSSL reads and writes, whichever connection calls it: one of its own would cost
    /// every connection 200 bytes. Connections hold references, too.
    bio_st* _bio;
    const char* _in = nullptr;  // of the call in progress
    const char* _inEnd = nullptr;
};

/// The TLS (RFC 8446, RFC 5246) of one connection, server side: bytes in, bytes out, no socket.
///
/// The records go through the buffers of the loop, so that the connection makes one recv per wake
/// and one send per turn, and an idle connection holds no buffer. What a call has to say is
/// appended to TlsBuffers::output.
///
/// Owner:   its Connection.
/// Threads: confined to the loop of the connection, and moves with it: every call brings the
///          buffers of the loop that it is made on.
/// Errors:  what the peer does wrong is a result; failure() says what it was. The constructor
///          throws Poco::Net::SSLException (no memory).
/// Limits:  kMaxHandshakeBytes of a handshake, kMaxHelloBytes of its first message: OpenSSL would
///          set aside what a peer announces, up to 128 KiB.
class TlsTransport {
public:
    static constexpr std::size_t kMaxHandshakeBytes = 64 * 1024;
    static constexpr std::size_t kMaxHelloBytes = 16 * 1024;

    enum class Status : std::uint8_t { Going, Established, Ended, Failed };

    /// `late` is the callback of handshakeTimer(), `owner` its argument.
    TlsTransport(const TlsContext& context, Timer::Callback late, void* owner);
    ~TlsTransport();
    TlsTransport(const TlsTransport&) = delete;
    TlsTransport& operator=(const TlsTransport&) = delete;

    bool established() const { return !_handshake; }
    /// The caller arms it; cancelled when the handshake has come to its good end.
    Timer& handshakeTimer() { return _handshake->timer; }

    /// One step of the handshake: uses bytes from the front of `input`. Going, Established (`input`
    /// may hold application data then), or Failed (an alert may have been said).
    Status handshake(TlsBuffers& buffers, std::string_view& input);

    /// Decrypts all of `input`, of which a partial record is kept, to `to`; `size` tells how much
    /// it was, which is never more than input.size() + kRecordBytes. Something of TLS's own may
    /// have been said. Going, Ended (close_notify: no more will come) or Failed.
    Status decrypt(TlsBuffers& buffers, std::string_view input, char* to, std::size_t room,
                   std::size_t& size);

    /// Says `bytes` as records. False when it cannot go on.
    [[nodiscard]] bool encrypt(TlsBuffers& buffers, std::string_view bytes);

    /// Says close_notify, the first time.
    void close(TlsBuffers& buffers);

    /// Why the last call failed, static text for logs.
    const char* failure() const { return _failure; }
    /// The peer does not speak TLS: its bytes look like a request in plain HTTP.
    bool metPlainHttp() const { return _plainHttp; }

    /// For the environ of a request; text is made when asked for.
    const char* version() const;          ///< "TLSv1.3"
    const char* cipher() const;           ///< "TLS_AES_256_GCM_SHA384"
    int cipherBits() const;               ///< 256
    bool resumed() const;                 ///< By a session ticket.
    std::string_view serverName() const;  ///< That the client asked for; empty when it did not.
    bool hasClientCertificate() const;    ///< It was good, then.
    std::string clientSubject() const;    ///< RFC 2253.
    std::string clientIssuer() const;
    std::string clientSerial() const;  ///< Hexadecimal.

    /// Records that the kernel has not taken yet.
    std::string unsent;

private:
    /// What is not needed afterwards.
    struct Handshake {
        Handshake(Poco::AutoPtr<Poco::Net::Context> from, Timer::Callback late, void* owner);
        ~Handshake();

        Timer timer;
        Poco::AutoPtr<Poco::Net::Context> context;  // POCO's callbacks refer to it
        std::size_t bytes = 0;
        unsigned char head[9] = {};  // record header, then type and length of the first message
        std::uint8_t headBytes = 0;
    };

    void bind(TlsBuffers& buffers);
    Status failed();
    /// Looks at what the first message announces before OpenSSL does.
    bool acceptable(std::string_view input);

    ssl_st* _ssl = nullptr;
    std::unique_ptr<Handshake> _handshake;  // null when established
    const char* _failure = "";
    bool _broken = false;
    bool _closeSent = false;
    bool _plainHttp = false;
};

}  // namespace socketio
