#include "HttpEnviron.h"

#include <charconv>
#include <cstdint>
#include <string_view>

#include "socketio/base/Text.h"

namespace socketio {

namespace {

/// A number as the environ shows it.
class Digits {
public:
    explicit Digits(std::uint64_t number)
        : _end(std::to_chars(_text, _text + sizeof _text, number).ptr) {}
    operator std::string_view() const { return {_text, static_cast<std::size_t>(_end - _text)}; }

private:
    char _text[20];
    char* _end;
};

/// The variables of TLS, as Apache's mod_ssl names and writes them.
void describeTls(const TlsTransport& tls, Environ& environ) {
    environ.set("HTTPS", "on");
    environ.set("SSL_PROTOCOL", tls.version());
    environ.set("SSL_CIPHER", tls.cipher());
    environ.set("SSL_CIPHER_USEKEYSIZE", Digits(static_cast<std::uint64_t>(tls.cipherBits())));
    if (tls.resumed()) environ.set("SSL_SESSION_RESUMED", "Resumed");
    if (!tls.serverName().empty()) environ.set("SSL_TLS_SNI", tls.serverName());
    if (!tls.hasClientCertificate()) return;
    environ.set("SSL_CLIENT_VERIFY", "SUCCESS");
    environ.set("SSL_CLIENT_S_DN", tls.clientSubject());
    environ.set("SSL_CLIENT_I_DN", tls.clientIssuer());
    environ.set("SSL_CLIENT_M_SERIAL", tls.clientSerial());
}

}  // namespace

std::shared_ptr<const Environ> makeHttpEnviron(const HttpRequestHead& head, std::size_t headSize,
                                               const Endpoints& endpoints, const TlsTransport* tls,
                                               const HttpServerOptions& options) {
    constexpr std::size_t kNames = 384;  // the names and lengths of what is set here
    auto environ = std::make_shared<Environ>();
    environ->reserve(headSize + head.target.size() + head.fields.size() * 8 + kNames);
    environ->set("REQUEST_METHOD", head.method);
    environ->set("SCRIPT_NAME", "");
    if (head.path.find('%') == std::string_view::npos)
        environ->set("PATH_INFO", head.path);
    else
        environ->set("PATH_INFO", percentDecode(head.path));
    environ->set("QUERY_STRING", head.query);
    environ->set("REQUEST_URI", head.target);
    environ->set("SERVER_PROTOCOL", head.minorVersion == 0 ? "HTTP/1.0" : "HTTP/1.1");
    environ->set("GATEWAY_INTERFACE", "CGI/1.1");
    if (!head.host.empty())
        environ->set("SERVER_NAME", httpHostName(head.host));
    else if (!options.serverName.empty())
        environ->set("SERVER_NAME", options.serverName);
    else
        environ->set("SERVER_NAME", endpoints.localAddress);
    environ->set("SERVER_ADDR", endpoints.localAddress);
    environ->set("SERVER_PORT", Digits(endpoints.localPort));
    environ->set("REMOTE_ADDR", endpoints.peerAddress);
    environ->set("REMOTE_PORT", Digits(endpoints.peerPort));
    for (const HttpRequestHead::Field& field : head.fields)
        environ->addHeader(field.name, field.value);
    if (endpoints.secureAtProxy) environ->set("HTTPS", "on");
    if (tls) describeTls(*tls, *environ);
    options.trustedProxies.apply(*environ);
    return environ;
}

}  // namespace socketio
