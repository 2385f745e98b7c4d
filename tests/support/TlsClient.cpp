#include "support/TlsClient.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace socketio::test {

namespace {

[[noreturn]] void fail(const std::string& what) {
    const unsigned long code = ERR_peek_error();
    const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    ERR_clear_error();
    throw std::runtime_error("TLS client: " + what + (reason ? std::string(": ") + reason : ""));
}

void must(bool ok, const char* what) {
    if (!ok) fail(what);
}

int newSession(SSL* ssl, SSL_SESSION* session);

}  // namespace

TlsClientContext::TlsClientContext(const Options& options)
    : _options(options), _context(SSL_CTX_new(TLS_client_method())) {
    must(_context, "SSL_CTX_new");
    SSL_CTX_set_min_proto_version(_context, options.minVersion);
    SSL_CTX_set_max_proto_version(_context, options.maxVersion);
    if (options.minVersion != 0 && options.minVersion < TLS1_2_VERSION)
        SSL_CTX_set_security_level(_context, 0);  // or it would not even offer them
    if (!options.ciphers.empty())
        must(SSL_CTX_set_cipher_list(_context, options.ciphers.c_str()) == 1, "ciphers");
    if (!options.groups.empty())
        must(SSL_CTX_set1_groups_list(_context, options.groups.c_str()) == 1, "groups");
    if (!options.caFile.empty()) {
        must(SSL_CTX_load_verify_locations(_context, options.caFile.c_str(), nullptr) == 1, "CA");
        SSL_CTX_set_verify(_context, SSL_VERIFY_PEER, nullptr);
    }
    if (!options.certificateFile.empty()) {
        must(SSL_CTX_use_certificate_chain_file(_context, options.certificateFile.c_str()) == 1,
             "certificate");
        must(SSL_CTX_use_PrivateKey_file(_context, options.privateKeyFile.c_str(),
                                         SSL_FILETYPE_PEM) == 1,
             "private key");
    }
    std::string protocols;
    for (const std::string& name : options.protocols)
        protocols.append(1, static_cast<char>(name.size())).append(name);
    if (!protocols.empty())
        SSL_CTX_set_alpn_protos(_context, reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size()));
    SSL_CTX_set_session_cache_mode(_context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(_context, newSession);
}

TlsClientContext::~TlsClientContext() {
    SSL_SESSION_free(_session);
    SSL_CTX_free(_context);
}

void TlsClientContext::keep(SSL_SESSION* session) {
    SSL_SESSION_free(_session);
    _session = session;
}

bool TlsStream::keepTicket(SSL_SESSION* session) {
    ++_tickets;
    if (!_context->keepsSessions()) return false;
    _context->keep(session);
    return true;
}

namespace {

int newSession(SSL* ssl, SSL_SESSION* session) {
    return static_cast<TlsStream*>(SSL_get_app_data(ssl))->keepTicket(session) ? 1 : 0;
}

}  // namespace

TlsStream::TlsStream(std::shared_ptr<TlsClientContext> context)
    : _context(std::move(context)),
      _ssl(SSL_new(_context->native())),
      _in(BIO_new(BIO_s_mem())),
      _out(BIO_new(BIO_s_mem())) {
    must(_ssl && _in && _out, "SSL_new");
    BIO_set_mem_eof_return(_in, -1);
    SSL_set_bio(_ssl, _in, _out);
    SSL_set_app_data(_ssl, this);
    SSL_set_tlsext_host_name(_ssl, "localhost");
    if (_context->session()) SSL_set_session(_ssl, _context->session());
    SSL_set_connect_state(_ssl);
}

TlsStream::~TlsStream() {
    SSL_set_shutdown(_ssl, SSL_SENT_SHUTDOWN);  // or its session could not be resumed
    SSL_free(_ssl);
}

bool TlsStream::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(_ssl);
    if (result == 1) return true;
    if (SSL_get_error(_ssl, result) != SSL_ERROR_WANT_READ) fail("handshake");
    return false;
}

void TlsStream::feed(std::string_view bytes) {
    BIO_write(_in, bytes.data(), static_cast<int>(bytes.size()));
}

std::string TlsStream::output() {
    std::string bytes(BIO_ctrl_pending(_out), '\0');
    if (!bytes.empty()) BIO_read(_out, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
}

void TlsStream::write(std::string_view plain) {
    ERR_clear_error();
    if (plain.empty()) return;
    if (SSL_write(_ssl, plain.data(), static_cast<int>(plain.size())) <= 0) fail("write");
}

bool TlsStream::read(std::string& plain) {
    ERR_clear_error();
    char buffer[16'384];
    for (;;) {
        const int size = SSL_read(_ssl, buffer, sizeof buffer);
        if (size > 0) {
            plain.append(buffer, static_cast<std::size_t>(size));
            continue;
        }
        const int error = SSL_get_error(_ssl, size);
        if (error == SSL_ERROR_ZERO_RETURN) return false;
        if (error != SSL_ERROR_WANT_READ) fail("read");
        return true;
    }
}

void TlsStream::close() { SSL_shutdown(_ssl); }

bool TlsStream::closeNotified() const {
    return (SSL_get_shutdown(_ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void TlsStream::renegotiate() {
    SSL_renegotiate(_ssl);
    SSL_do_handshake(_ssl);
    ERR_clear_error();
}

void TlsStream::updateKeys() {
    must(SSL_key_update(_ssl, SSL_KEY_UPDATE_REQUESTED) == 1, "key update");
    SSL_do_handshake(_ssl);
}

std::string TlsStream::version() const { return SSL_get_version(_ssl); }

std::string TlsStream::protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(_ssl, &name, &size);
    return name ? std::string(reinterpret_cast<const char*>(name), size) : std::string();
}

bool TlsStream::resumed() const { return SSL_session_reused(_ssl) == 1; }

std::string TlsStream::peerName() const {
    const X509* const certificate = SSL_get0_peer_certificate(_ssl);
    char name[256] = {};
    if (certificate)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                  sizeof name);
    return name;
}

struct TestCertificates::Issuer {
    EVP_PKEY* key = nullptr;
    X509* certificate = nullptr;
    ~Issuer() {
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
};

namespace {

EVP_PKEY* makeKey(TestCertificates::Kind kind) {
    EVP_PKEY* const key =
        kind == TestCertificates::Kind::Rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("prime256v1");
    must(key, "key");
    return key;
}

void extend(X509* certificate, X509* issuer, int what, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
    must(extension, "extension");
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

X509* makeCertificate(const std::string& name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuerKey) {
    X509* const certificate = X509_new();
    X509_set_version(certificate, 2);
    std::uint64_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), 7);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial | 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* const subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
    X509* const parent = issuer ? issuer : certificate;
    extend(certificate, parent, NID_subject_key_identifier, "hash");
    if (issuer) {
        extend(certificate, parent, NID_authority_key_identifier, "keyid");
        extend(certificate, parent, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    } else {
        extend(certificate, parent, NID_basic_constraints, "critical,CA:TRUE");
        extend(certificate, parent, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    must(X509_sign(certificate, issuerKey, EVP_sha256()) > 0, "sign");
    return certificate;
}

class PemFile {
public:
    explicit PemFile(const std::string& path) : file(std::fopen(path.c_str(), "w")) {
        if (!file) throw std::runtime_error("cannot write " + path);
    }
    ~PemFile() { std::fclose(file); }
    PemFile(const PemFile&) = delete;
    PemFile& operator=(const PemFile&) = delete;
    std::FILE* const file;
};

}  // namespace

TestCertificates::TestCertificates() : _issuer(std::make_unique<Issuer>()) {
    std::string folder = (std::filesystem::temp_directory_path() / "tls-XXXXXX").string();
    if (!::mkdtemp(folder.data())) throw std::runtime_error("mkdtemp " + folder);
    _folder = folder;
    _issuer->key = makeKey(Kind::Ec);
    _issuer->certificate = makeCertificate("Test CA", _issuer->key, nullptr, _issuer->key);
    PEM_write_X509(PemFile(ca()).file, _issuer->certificate);
}

TestCertificates::~TestCertificates() {
    std::error_code ignored;
    std::filesystem::remove_all(_folder, ignored);
}

void TestCertificates::add(const std::string& name, Kind kind, const std::string& passphrase) {
    EVP_PKEY* const key = makeKey(kind);
    X509* const certificate = makeCertificate(name, key, _issuer->certificate, _issuer->key);
    PEM_write_X509(PemFile(path(name + ".pem")).file, certificate);
    PEM_write_PrivateKey(PemFile(path(name + ".key")).file, key,
                         passphrase.empty() ? nullptr : EVP_aes_256_cbc(),
                         reinterpret_cast<const unsigned char*>(passphrase.data()),
                         static_cast<int>(passphrase.size()), nullptr, nullptr);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

}  // namespace socketio::test
