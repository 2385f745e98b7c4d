#include "PocoExchange.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/File.h>
#include <Poco/FileStream.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/WebSocket.h>
#include <Poco/StreamCopier.h>
#include <Poco/String.h>

#include "socketio/protocol/IpAddress.h"

namespace socketio {

namespace {

using Poco::Net::HTTPMessage;
using Poco::Net::HTTPResponse;
using Poco::Net::SocketAddress;

/// A body up to this size is sent in one piece with its head.
constexpr std::size_t kWholeBody = 64 * 1024;
/// Of a longer one, or one that is flushed: what is sent at a time.
constexpr std::size_t kPiece = 16 * 1024;

/// `HTTP_USER_AGENT` -> `User-Agent`; empty for what is no header.
std::string headerName(std::string_view variable) {
    if (variable.starts_with("HTTP_"))
        variable.remove_prefix(5);
    else if (variable != "CONTENT_TYPE" && variable != "CONTENT_LENGTH")
        return {};
    std::string name(variable);
    bool first = true;
    for (char& c : name) {
        if (c == '_')
            c = '-';
        else if (!first && c >= 'A' && c <= 'Z')
            c = static_cast<char>(c + 32);
        first = c == '-';
    }
    return name;
}

SocketAddress addressOf(std::string_view address, std::string_view port) {
    std::uint16_t number = 0;
    std::from_chars(port.data(), port.data() + port.size(), number);
    if (address.starts_with('[') && address.ends_with(']'))
        address = address.substr(1, address.size() - 2);
    // Never a name: that would be looked up.
    const auto parsed = IpAddress::parse(address);
    return parsed ? SocketAddress(parsed->text(), number) : SocketAddress("0.0.0.0", number);
}

}  // namespace

void copyEnviron(const Environ& environ, Poco::Net::HTTPRequest& request) {
    request.setMethod(std::string(environ.method()));
    request.setVersion(std::string(environ.get("SERVER_PROTOCOL")));
    if (environ.has("REQUEST_URI")) {
        request.setURI(std::string(environ.get("REQUEST_URI")));
    } else {  // a gateway that tells only the parts
        std::string target(environ.get("SCRIPT_NAME"));
        target += environ.path();
        if (!environ.query().empty()) target.append("?").append(environ.query());
        request.setURI(target);
    }
    environ.forEach([&](std::string_view variable, std::string_view value) {
        const std::string name = headerName(variable);
        if (!name.empty()) request.set(name, std::string(value));
    });
}

SocketAddress clientOf(const Environ& environ) {
    return addressOf(environ.remoteAddress(), environ.get("REMOTE_PORT"));
}

SocketAddress serverOf(const Environ& environ) {
    const std::string_view address =
        environ.has("SERVER_ADDR") ? environ.get("SERVER_ADDR") : environ.get("SERVER_NAME");
    return addressOf(address, environ.get("SERVER_PORT"));
}

// -------------------------------------------------------------------------------------------------

PocoRequest::PocoRequest(Exchange& exchange, PocoResponse& response,
                         Poco::Net::HTTPServerParams::Ptr params)
    : _response(response),
      _params(std::move(params)),
      _body(exchange.takeBody()),
      _stream(_body.data(), static_cast<std::streamsize>(_body.size())),
      _client(clientOf(exchange.environ())),
      _server(serverOf(exchange.environ())),
      _secure(exchange.environ().secure()) {
    copyEnviron(exchange.environ(), *this);
}

Poco::Net::HTTPServerResponse& PocoRequest::response() const { return _response; }

// -------------------------------------------------------------------------------------------------

PocoAnswerBuffer::PocoAnswerBuffer(Exchange& exchange, HTTPResponse& response)
    : _exchange(exchange), _response(response), _head(exchange.environ().method() == "HEAD") {}

void PocoAnswerBuffer::open() {
    _state = State::Open;
    _chunked = _response.getChunkedTransferEncoding();
    _hasLength = !_chunked && _response.hasContentLength();
    if (_hasLength) _length = static_cast<std::uint64_t>(_response.getContentLength64());
}

/// What the handler has set, without what frames the answer.
HeaderList PocoAnswerBuffer::headers(bool withLength) const {
    HeaderList list;
    for (const auto& [name, value] : _response) {
        bool ours = false;
        for (const char* const framing :
             {"Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Date"})
            ours = ours || Poco::icompare(name, framing) == 0;
        if (!ours) list.add(name, value);
    }
    if (Poco::icompare(_response.get(HTTPMessage::CONNECTION, ""), "close") == 0)
        list.add(HTTPMessage::CONNECTION, "close");
    if (withLength) list.add(HTTPMessage::CONTENT_LENGTH, std::to_string(_length));
    return list;
}

void PocoAnswerBuffer::start() {
    _state = State::Streaming;
    _exchange.start(_response.getStatus(), headers(_hasLength));
}

bool PocoAnswerBuffer::write(std::string_view bytes) {
    if (_broken) return false;
    if (_hasLength) {  // as POCO does, what goes beyond is left out
        const std::uint64_t room = _length - std::min(_length, _written);
        bytes =
            bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(room, bytes.size())));
    }
    _written += bytes.size();
    if (_head || bytes.empty()) return true;
    _broken = !_exchange.write(bytes);
    return !_broken;
}

bool PocoAnswerBuffer::flushPending() {
    if (_state == State::Over) return false;
    if (_state == State::Open) start();
    const std::string bytes = std::exchange(_pending, {});
    return write(bytes);
}

int PocoAnswerBuffer::sync() {
    // Nobody waits for the body of an answer to HEAD, and its length is not known yet.
    if (_head) return 0;
    return flushPending() ? 0 : -1;
}

PocoAnswerBuffer::int_type PocoAnswerBuffer::overflow(int_type c) {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char byte = traits_type::to_char_type(c);
    return xsputn(&byte, 1) == 1 ? c : traits_type::eof();
}

std::streamsize PocoAnswerBuffer::xsputn(const char* bytes, std::streamsize size) {
    const std::string_view given(bytes, static_cast<std::size_t>(size));
    if (_state == State::Over || _broken) return 0;
    if (_head) {
        _written += given.size();
        return size;
    }
    const std::size_t most = _state == State::Streaming ? kPiece : kWholeBody;
    if (_pending.size() + given.size() <= most) {
        _pending.append(given);
        return size;
    }
    if (!flushPending()) return 0;
    if (given.size() < kPiece) {
        _pending.assign(given);
        return size;
    }
    return write(given) ? size : 0;
}

void PocoAnswerBuffer::complete() {
    if (_state == State::Over || _state == State::Fresh) return;
    const bool whole = _state == State::Open && !_chunked;
    if (_head && whole) {
        if (!_hasLength && _written > 0) {
            _hasLength = true;
            _length = _written;
        }
        _exchange.respond({_response.getStatus(), headers(_hasLength), {}});
    } else if (whole && (!_hasLength || _length == _pending.size())) {
        _exchange.respond({_response.getStatus(), headers(false), std::move(_pending)});
    } else {
        flushPending();
        _exchange.finish();
    }
    _state = State::Over;
}

// -------------------------------------------------------------------------------------------------

PocoResponse::PocoResponse(Exchange& exchange) : _buffer(exchange, *this), _stream(&_buffer) {}

std::ostream& PocoResponse::send() {
    poco_assert(!sent());
    // What Poco::Net::WebSocket does before it casts the request to a class that this is none of.
    if (getStatus() == HTTP_SWITCHING_PROTOCOLS) {
        setStatusAndReason(HTTP_BAD_REQUEST);
        throw Poco::Net::WebSocketException(
            "No WebSocket: the front end does not let go of the connection",
            Poco::Net::WebSocket::WS_ERR_NO_HANDSHAKE);
    }
    _buffer.open();
    return _stream;
}

void PocoResponse::sendFile(const std::string& path, const std::string& mediaType) {
    Poco::FileInputStream file(path);  // throws when it cannot be read
    const Poco::File about(path);
    set("Last-Modified", Poco::DateTimeFormatter::format(about.getLastModified(),
                                                         Poco::DateTimeFormat::HTTP_FORMAT));
    setContentLength64(static_cast<Poco::Int64>(about.getSize()));
    setContentType(mediaType);
    setChunkedTransferEncoding(false);
    Poco::StreamCopier::copyStream(file, send(), kPiece);
}

void PocoResponse::sendBuffer(const void* bytes, std::size_t length) {
    setContentLength64(static_cast<Poco::Int64>(length));
    setChunkedTransferEncoding(false);
    send().write(static_cast<const char*>(bytes), static_cast<std::streamsize>(length));
}

void PocoResponse::redirect(const std::string& uri, HTTPStatus status) {
    setContentLength(0);
    setChunkedTransferEncoding(false);
    setStatusAndReason(status);
    set("Location", uri);
    send();
}

void PocoResponse::requireAuthentication(const std::string& realm) {
    setStatusAndReason(HTTP_UNAUTHORIZED);
    set("WWW-Authenticate", "Basic realm=\"" + realm + "\"");
}

}  // namespace socketio
