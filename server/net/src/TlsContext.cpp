#include "socketio/net/TlsContext.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <sys/stat.h>
#include <utility>

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/SSLException.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace socketio {

namespace {

using Poco::Net::Context;
using Poco::Net::SSLContextException;

/// Forward secrecy and authenticated encryption: what RFC 9325 asks for and every client that is
/// still supported has.
constexpr const char* kCiphers = "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kCipherSuites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384:P-521";
constexpr long kMaxClientCertificates = 32 * 1024;  // bytes
constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

/// The first error is the cause, the others say where it passed.
std::string opensslReason() {
    const unsigned long code = ERR_get_error();
    const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    ERR_clear_error();
    return reason ? reason : "unknown reason";
}

[[noreturn]] void refuse(const std::string& what, const std::string& why) {
    throw SSLContextException(what, why);
}

void requireFile(const char* what, const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        refuse(std::string("cannot read the ") + what + " " + path, std::strerror(errno));
}

/// Without it OpenSSL asks on the terminal.
int givePassphrase(char* buffer, int size, int /*writing*/, void* passphrase) {
    const auto& text = *static_cast<const std::string*>(passphrase);
    if (text.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(buffer, text.data(), text.size());
    return static_cast<int>(text.size());
}

/// RFC 7301: a client that offers protocols, and not the one spoken here, is refused.
int selectProtocol(SSL*, const unsigned char** chosen, unsigned char* chosenSize,
                   const unsigned char* offered, unsigned offeredSize, void*) {
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, chosenSize, kHttp11, sizeof kHttp11, offered, offeredSize) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

/// What holds for every context, ours or the application's.
void complete(Context& context) {
    SSL_CTX* const ssl = context.sslContext();
    if (!context.isForServerUse()) refuse("the TLS context is not for server use", "");
    if (!SSL_CTX_get0_certificate(ssl)) refuse("the TLS context has no certificate", "");
    if (SSL_CTX_get_min_proto_version(ssl) < TLS1_2_VERSION)
        SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_clear_mode(ssl, SSL_MODE_AUTO_RETRY);  // so that decrypt() can count key updates
    // One send takes what SSL_write makes, so it writes all of what it is given.
    SSL_CTX_clear_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_read_ahead(ssl, 0);  // or it would keep a buffer
    SSL_CTX_set_num_tickets(ssl, 1);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_early_data(ssl, 0);
    SSL_CTX_set_max_cert_list(ssl, kMaxClientCertificates);
    SSL_CTX_set_alpn_select_cb(ssl, selectProtocol, nullptr);
    // A ticket is good here only; without a context of its own OpenSSL refuses it rudely when
    // client certificates are asked for.
    constexpr unsigned char kSessionContext[] = "socketio";
    SSL_CTX_set_session_id_context(ssl, kSessionContext, sizeof kSessionContext - 1);
}

void addChain(SSL_CTX* ssl, const std::string& path) {
    requireFile("certificate chain", path);
    const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(path.c_str(), "r"), BIO_free);
    if (!file) refuse("cannot read the certificate chain " + path, opensslReason());
    int count = 0;
    while (X509* const certificate = PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)) {
        const int added = SSL_CTX_add1_chain_cert(ssl, certificate);
        X509_free(certificate);
        if (added != 1) refuse("cannot use the certificate chain " + path, opensslReason());
        ++count;
    }
    const unsigned long last = ERR_peek_last_error();
    if (count == 0 || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
        refuse("cannot read the certificate chain " + path, opensslReason());
    ERR_clear_error();  // the end of the file
}

Context::Ptr make(const TlsOptions& options) {
    const std::string& keyFile =
        options.privateKeyFile.empty() ? options.certificateFile : options.privateKeyFile;
    if (options.certificateFile.empty()) refuse("TLS needs a certificate file", "");
    requireFile("certificate", options.certificateFile);
    requireFile("private key", keyFile);
    const bool verifying = options.clients != TlsOptions::Clients::Ignored;
    if (verifying && options.caFile.empty())
        refuse("clients are to show certificates, but there is no CA file to check them with", "");
    if (!options.caFile.empty()) requireFile("CA file", options.caFile);

    Context::Params params;
    params.verificationMode = Context::VERIFY_NONE;
    params.cipherList = options.ciphers.empty() ? kCiphers : options.ciphers;
    params.dhUse2048Bits = true;
    params.ecdhCurve = kGroups;
    params.caLocation = options.caFile;
    ERR_clear_error();
    Context::Ptr context = new Context(Context::TLS_SERVER_USE, params);
    SSL_CTX* const ssl = context->sslContext();

    if (SSL_CTX_use_certificate_chain_file(ssl, options.certificateFile.c_str()) != 1)
        refuse("cannot use the certificate " + options.certificateFile, opensslReason());
    if (!options.chainFile.empty()) addChain(ssl, options.chainFile);
    std::string passphrase = options.passphrase;
    SSL_CTX_set_default_passwd_cb(ssl, givePassphrase);
    SSL_CTX_set_default_passwd_cb_userdata(ssl, &passphrase);
    const bool loaded = SSL_CTX_use_PrivateKey_file(ssl, keyFile.c_str(), SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(ssl, nullptr);
    SSL_CTX_set_default_passwd_cb(ssl, nullptr);
    if (!loaded) refuse("cannot use the private key " + keyFile, opensslReason());
    if (SSL_CTX_check_private_key(ssl) != 1)
        refuse("the private key " + keyFile + " does not belong to the certificate " +
                   options.certificateFile,
               opensslReason());

    if (SSL_CTX_set_cipher_list(ssl, params.cipherList.c_str()) != 1)
        refuse("no cipher of TLS 1.2 in \"" + params.cipherList + "\"", opensslReason());
    const std::string suites = options.cipherSuites.empty() ? kCipherSuites : options.cipherSuites;
    if (SSL_CTX_set_ciphersuites(ssl, suites.c_str()) != 1)
        refuse("unknown cipher suite in \"" + suites + "\"", opensslReason());
    // Our order counts, except that who has no AES in hardware gets ChaCha20.
    SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_min_proto_version(ssl, options.minimumVersion == TlsOptions::Version::Tls13
                                           ? TLS1_3_VERSION
                                           : TLS1_2_VERSION);
    int mode = SSL_VERIFY_NONE;
    if (verifying) {
        mode = SSL_VERIFY_PEER;
        if (options.clients == TlsOptions::Clients::Required)
            mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
        // Tells clients whose certificates are good; a folder is not listed.
        if (STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(options.caFile.c_str()))
            SSL_CTX_set_client_CA_list(ssl, names);
        ERR_clear_error();
    }
    SSL_CTX_set_verify(ssl, mode, nullptr);  // not POCO's callback, which asks on the console
    complete(*context);
    return context;
}

}  // namespace

TlsContext::TlsContext(TlsOptions options) : _options(std::move(options)) {
    MutexLock lock(_mutex);
    _context = make(_options);
}

TlsContext::TlsContext(Context::Ptr context) { replace(std::move(context)); }

TlsContext::~TlsContext() = default;

std::shared_ptr<TlsContext> TlsContext::load(TlsOptions options) {
    return std::make_shared<TlsContext>(std::move(options));
}

void TlsContext::reload() {
    TlsOptions options;
    {
        MutexLock lock(_mutex);
        options = _options;
    }
    if (options.certificateFile.empty())
        throw Poco::IllegalStateException(
            "TlsContext::reload(): it was made of a Poco::Net::Context and knows no files");
    replace(std::move(options));
}

void TlsContext::replace(TlsOptions options) {
    Context::Ptr context = make(options);
    MutexLock lock(_mutex);
    _options = std::move(options);
    std::swap(_context, context);  // the old one goes when the lock is released
}

void TlsContext::replace(Context::Ptr context) {
    if (context.isNull()) refuse("no TLS context", "");
    complete(*context);
    MutexLock lock(_mutex);
    _options = {};
    std::swap(_context, context);
}

Context::Ptr TlsContext::current() const {
    MutexLock lock(_mutex);
    return _context;
}

}  // namespace socketio
