#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct bio_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace socketio::test {

/// What a TLS client of a test believes, offers and remembers; one serves any number of clients.
///
/// Threads: thread-compatible; clients on several threads share it as const, without sessions.
class TlsClientContext {
public:
    struct Options {
        std::string caFile{};  ///< Empty: any certificate is good.
        std::string certificateFile{}, privateKeyFile{};
        std::vector<std::string> protocols{};  ///< Of ALPN.
        int maxVersion = 0;                    ///< TLS1_2_VERSION; 0: the newest.
        int minVersion = 0;
        std::string ciphers{};
        std::string groups{};
        bool keepSession = false;  ///< The next client resumes what the last one got.
    };

    TlsClientContext() : TlsClientContext(Options()) {}
    explicit TlsClientContext(const Options& options);
    ~TlsClientContext();
    TlsClientContext(const TlsClientContext&) = delete;
    TlsClientContext& operator=(const TlsClientContext&) = delete;

    ssl_ctx_st* native() const { return _context; }
    ssl_session_st* session() const { return _session; }
    /// Takes over the reference.
    void keep(ssl_session_st* session);
    bool keepsSessions() const { return _options.keepSession; }

private:
    Options _options;
    ssl_ctx_st* _context;
    ssl_session_st* _session = nullptr;
};

/// The client side of one TLS connection, bytes in, bytes out: what goes over the wire, and in
/// which pieces, is the test's affair.
///
/// Errors: std::runtime_error for what the server does wrong and for an alert, which it names.
class TlsStream {
public:
    explicit TlsStream(std::shared_ptr<TlsClientContext> context);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    /// Goes on with the handshake; true when it is complete. What is to be sent is in output().
    bool handshake();
    /// Bytes from the server.
    void feed(std::string_view bytes);
    /// Bytes for the server, which are taken.
    std::string output();
    /// Output() gets records that hold `plain`.
    void write(std::string_view plain);
    /// Appends what the records fed so far hold; false when close_notify has come.
    bool read(std::string& plain);
    /// Output() gets close_notify.
    void close();
    bool closeNotified() const;
    /// TLS 1.2: asks for another handshake.
    void renegotiate();
    /// TLS 1.3: has the server change its keys, too.
    void updateKeys();

    std::string version() const;
    std::string protocol() const;  ///< Of ALPN; empty when the server chose none.
    bool resumed() const;
    int tickets() const { return _tickets; }  ///< That have come.
    std::string peerName() const;             ///< The common name of the server's certificate.
    ssl_st* native() const { return _ssl; }
    /// For OpenSSL: a ticket has come; false when it is not kept.
    bool keepTicket(ssl_session_st* session);

private:
    const std::shared_ptr<TlsClientContext> _context;
    ssl_st* _ssl;
    bio_st* _in;
    bio_st* _out;
    int _tickets = 0;
};

/// Certificates of a CA of its own, made when it is made, in a temporary folder that goes with it:
/// `ca.pem`, and pairs that add() makes.
class TestCertificates {
public:
    enum class Kind { Ec, Rsa };

    TestCertificates();
    ~TestCertificates();
    TestCertificates(const TestCertificates&) = delete;
    TestCertificates& operator=(const TestCertificates&) = delete;

    /// `<name>.pem` and `<name>.key`, for localhost and 127.0.0.1, the common name `name`.
    void add(const std::string& name, Kind kind = Kind::Ec, const std::string& passphrase = {});
    std::string path(const std::string& file) const { return _folder + "/" + file; }
    std::string ca() const { return path("ca.pem"); }

private:
    struct Issuer;
    std::string _folder;
    std::unique_ptr<Issuer> _issuer;
};

}  // namespace socketio::test
