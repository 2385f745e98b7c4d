#pragma once

#include <memory>
#include <string>

#include <Poco/AutoPtr.h>

#include "socketio/base/Mutex.h"

namespace Poco::Net {
class Context;
}

namespace socketio {

/// How a server shows who it is over TLS, and whom it lets in. Files are PEM.
struct TlsOptions {
    enum class Clients {
        Ignored,   ///< No certificate is asked for.
        Optional,  ///< Asked for; one that is shown has to be good.
        Required   ///< Nobody gets in without a good one.
    };
    enum class Version { Tls12, Tls13 };

    std::string certificateFile{};  ///< The server's own, then those that lead to the root.
    std::string privateKeyFile{};   ///< Empty: it is in `certificateFile`.
    std::string passphrase{};       ///< Of the private key.
    std::string chainFile{};        ///< More certificates towards the root; empty: none.
    std::string caFile{};           ///< Whose clients are good: a file, or a folder of OpenSSL's.
    Clients clients = Clients::Ignored;
    /// Of TLS 1.2, in OpenSSL's notation and our order of preference; empty: ECDHE with AES-GCM
    /// (128 bits first, which costs least) or ChaCha20.
    std::string ciphers{};
    std::string cipherSuites{};  ///< Of TLS 1.3, likewise.
    Version minimumVersion = Version::Tls12;
};

/// The certificates of TLS listeners, which may be replaced while they run. One may serve several
/// listeners.
///
///     auto tls = TlsContext::load({.certificateFile = "server.pem", .privateKeyFile =
///     "server.key"}); socketio::HttpServer server(app, {.port = 443, .tls = tls});
///     ...
///     tls->reload();  // on SIGHUP: newcomers see what the files hold now
///
/// Whatever it is made of: TLS 1.2 at least, no renegotiation, no compression, no early data, one
/// session ticket per handshake and no session cache, ALPN `http/1.1`, released buffers.
///
/// Owner:   the application and the front ends, by shared_ptr.
/// Threads: thread-safe.
/// Errors:  whatever does not load is a Poco::Net::SSLContextException naming the file or the
///          value; what was loaded before stays in use. Nothing ever asks on a terminal.
class TlsContext {
public:
    explicit TlsContext(TlsOptions options);
    /// A context that the application has made and owns jointly, for server use; its settings
    /// are completed as said above.
    explicit TlsContext(Poco::AutoPtr<Poco::Net::Context> context);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    static std::shared_ptr<TlsContext> load(TlsOptions options);

    /// Reads the files again, for connections that begin from now on; those that are open go on as
    /// they are, those in the middle of their handshake too. Poco::IllegalStateException when it
    /// was made of a Context.
    void reload();
    void replace(TlsOptions options);
    void replace(Poco::AutoPtr<Poco::Net::Context> context);

    /// What newcomers get.
    Poco::AutoPtr<Poco::Net::Context> current() const;

private:
    mutable Mutex _mutex;  // a leaf: files are read without it
    TlsOptions _options SOCKETIO_GUARDED_BY(_mutex);
    Poco::AutoPtr<Poco::Net::Context> _context SOCKETIO_GUARDED_BY(_mutex);
};

}  // namespace socketio
