#include "socketio/net/TlsTransport.h"

#include <algorithm>
#include <cstring>

#include <Poco/Net/Context.h>
#include <Poco/Net/SSLException.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "socketio/net/TlsContext.h"

namespace socketio {

namespace {

constexpr unsigned char kHandshakeRecord = 22;
constexpr unsigned char kClientHello = 1;

/// Key updates and the like in what one recv gave: each costs 40 us, and nobody needs more than
/// one.
constexpr int kOwnRecords = 16;

std::string nameText(const X509_NAME* name) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
    if (!text || !name || X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(text.get(), &bytes);
    return std::string(bytes, static_cast<std::size_t>(std::max(size, 0L)));
}

}  // namespace

struct TlsBuffers::Method {
    Method() : method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "loop")) {
        if (!method) throw Poco::Net::SSLException("BIO_meth_new");
        BIO_meth_set_read_ex(method, read);
        BIO_meth_set_write_ex(method, write);
        BIO_meth_set_ctrl(method, control);
    }
    ~Method() { BIO_meth_free(method); }

    static int read(BIO* bio, char* to, std::size_t room, std::size_t* size) {
        BIO_clear_retry_flags(bio);
        auto& buffers = *static_cast<TlsBuffers*>(BIO_get_data(bio));
        const auto left = static_cast<std::size_t>(buffers._inEnd - buffers._in);
        if (left == 0) {
            BIO_set_retry_read(bio);
            return 0;
        }
        *size = std::min(room, left);
        std::memcpy(to, buffers._in, *size);
        buffers._in += *size;
        return 1;
    }
    static int write(BIO* bio, const char* from, std::size_t size, std::size_t* written) {
        BIO_clear_retry_flags(bio);
        static_cast<TlsBuffers*>(BIO_get_data(bio))->output.append(from, size);
        *written = size;
        return 1;
    }
    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

    BIO_METHOD* const method;
};

TlsBuffers::TlsBuffers() {
    static const Method method;
    _bio = BIO_new(method.method);
    if (!_bio) throw Poco::Net::SSLException("BIO_new");
    BIO_set_data(_bio, this);
    BIO_set_init(_bio, 1);
}

TlsBuffers::~TlsBuffers() { BIO_free(_bio); }

TlsTransport::Handshake::Handshake(Poco::Net::Context::Ptr from, Timer::Callback late, void* owner)
    : timer(late, owner), context(std::move(from)) {}

TlsTransport::Handshake::~Handshake() = default;

TlsTransport::TlsTransport(const TlsContext& context, Timer::Callback late, void* owner)
    : _handshake(std::make_unique<Handshake>(context.current(), late, owner)) {
    ERR_clear_error();
    _ssl = SSL_new(_handshake->context->sslContext());
    if (!_ssl) throw Poco::Net::SSLException("SSL_new");
    SSL_set_accept_state(_ssl);
}

TlsTransport::~TlsTransport() { SSL_free(_ssl); }

void TlsTransport::bind(TlsBuffers& buffers) {
    ERR_clear_error();  // what another connection left behind would be taken for ours
    if (SSL_get_rbio(_ssl) == buffers._bio) return;
    BIO_up_ref(buffers._bio);
    SSL_set0_rbio(_ssl, buffers._bio);
    BIO_up_ref(buffers._bio);
    SSL_set0_wbio(_ssl, buffers._bio);
}

TlsTransport::Status TlsTransport::failed() {
    const unsigned long error = ERR_peek_error();
    const char* const reason = error == 0 ? nullptr : ERR_reason_error_string(error);
    _failure = reason ? reason : "TLS failed";
    _plainHttp = ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST;
    _broken = true;
    ERR_clear_error();  // the next connection of this thread shall not meet it
    return Status::Failed;
}

bool TlsTransport::acceptable(std::string_view input) {
    auto& [timer, context, bytes, head, count] = *_handshake;
    for (const char byte : input.substr(0, sizeof head - count))
        head[count++] = static_cast<unsigned char>(byte);
    if (count < 5 || head[0] != kHandshakeRecord) return true;
    const int recordBytes = head[3] << 8 | head[4];
    if (recordBytes < 4) return false;  // no client cuts the head of its first message
    if (count < sizeof head || head[5] != kClientHello) return true;
    return (head[6] << 16 | head[7] << 8 | head[8]) <= static_cast<int>(kMaxHelloBytes);
}

TlsTransport::Status TlsTransport::handshake(TlsBuffers& buffers, std::string_view& input) {
    if (!acceptable(input)) {
        _failure = "ClientHello too large";
        _broken = true;
        return Status::Failed;
    }
    bind(buffers);
    buffers._in = input.data();
    buffers._inEnd = buffers._in + input.size();
    const int result = SSL_do_handshake(_ssl);
    const auto used = static_cast<std::size_t>(buffers._in - input.data());
    buffers._in = buffers._inEnd = nullptr;
    input.remove_prefix(used);
    _handshake->bytes += used;
    if (result == 1) {
        _handshake.reset();
        return Status::Established;
    }
    if (SSL_get_error(_ssl, result) != SSL_ERROR_WANT_READ) return failed();
    if (_handshake->bytes <= kMaxHandshakeBytes) return Status::Going;
    _failure = "handshake too large";
    _broken = true;
    return Status::Failed;
}

TlsTransport::Status TlsTransport::decrypt(TlsBuffers& buffers, std::string_view input, char* to,
                                           std::size_t room, std::size_t& size) {
    bind(buffers);
    buffers._in = input.data();
    buffers._inEnd = buffers._in + input.size();
    size = 0;
    Status status = Status::Going;
    int ownRecords = 0;
    // Without input left there is nothing more to be had, unless a record did not fit.
    while (buffers._in != buffers._inEnd || SSL_pending(_ssl) > 0) {
        std::size_t got = 0;
        if (SSL_read_ex(_ssl, to + size, room - size, &got) == 1) {
            size += got;
            continue;
        }
        const int error = SSL_get_error(_ssl, 0);
        if (error == SSL_ERROR_ZERO_RETURN)
            status = Status::Ended;
        else if (error != SSL_ERROR_WANT_READ)
            status = failed();
        else if (++ownRecords <= kOwnRecords)
            continue;  // a record of TLS's own, or part of one
        else {
            _failure = "too many key updates";
            _broken = true;
            status = Status::Failed;
        }
        break;
    }
    buffers._in = buffers._inEnd = nullptr;
    return status;
}

bool TlsTransport::encrypt(TlsBuffers& buffers, std::string_view bytes) {
    if (_broken) return false;
    bind(buffers);
    std::size_t written = 0;
    if (SSL_write_ex(_ssl, bytes.data(), bytes.size(), &written) == 1 && written == bytes.size())
        return true;
    failed();
    return false;
}

void TlsTransport::close(TlsBuffers& buffers) {
    if (_closeSent || _broken || _handshake) return;
    _closeSent = true;
    bind(buffers);
    SSL_shutdown(_ssl);
    ERR_clear_error();
}

const char* TlsTransport::version() const { return SSL_get_version(_ssl); }
const char* TlsTransport::cipher() const { return SSL_get_cipher_name(_ssl); }
int TlsTransport::cipherBits() const { return SSL_get_cipher_bits(_ssl, nullptr); }
bool TlsTransport::resumed() const { return SSL_session_reused(_ssl) == 1; }

std::string_view TlsTransport::serverName() const {
    const char* const name = SSL_get_servername(_ssl, TLSEXT_NAMETYPE_host_name);
    return name ? std::string_view(name) : std::string_view();
}

bool TlsTransport::hasClientCertificate() const { return SSL_get0_peer_certificate(_ssl); }

std::string TlsTransport::clientSubject() const {
    const X509* const certificate = SSL_get0_peer_certificate(_ssl);
    return certificate ? nameText(X509_get_subject_name(certificate)) : std::string();
}

std::string TlsTransport::clientIssuer() const {
    const X509* const certificate = SSL_get0_peer_certificate(_ssl);
    return certificate ? nameText(X509_get_issuer_name(certificate)) : std::string();
}

std::string TlsTransport::clientSerial() const {
    const X509* const certificate = SSL_get0_peer_certificate(_ssl);
    if (!certificate) return {};
    const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
        ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr), BN_free);
    char* const text = number ? BN_bn2hex(number.get()) : nullptr;
    const std::string serial = text ? text : "";
    OPENSSL_free(text);
    return serial;
}

}  // namespace socketio
