#pragma once

#include <istream>
#include <memory>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

#include <Poco/MemoryStream.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/SocketAddress.h>

#include "socketio/exchange/Exchange.h"

namespace socketio {

/// Request line and headers of an environ, as Poco::Net::HTTPRequest holds them.
void copyEnviron(const Environ& environ, Poco::Net::HTTPRequest& request);

/// The client, or the server, of an environ; the wildcard address where it does not tell.
Poco::Net::SocketAddress clientOf(const Environ& environ);
Poco::Net::SocketAddress serverOf(const Environ& environ);

class PocoResponse;

/// The request of an Exchange for a Poco::Net::HTTPRequestHandler.
///
/// Owner: the worker that runs the handler. Threads: confined to it.
class PocoRequest final : public Poco::Net::HTTPServerRequest {
public:
    PocoRequest(Exchange& exchange, PocoResponse& response,
                Poco::Net::HTTPServerParams::Ptr params);

    std::istream& stream() override { return _stream; }
    const Poco::Net::SocketAddress& clientAddress() const override { return _client; }
    const Poco::Net::SocketAddress& serverAddress() const override { return _server; }
    const Poco::Net::HTTPServerParams& serverParams() const override { return *_params; }
    Poco::Net::HTTPServerResponse& response() const override;
    bool secure() const override { return _secure; }

private:
    PocoResponse& _response;
    Poco::Net::HTTPServerParams::Ptr _params;
    const std::string _body;
    Poco::MemoryInputStream _stream;
    const Poco::Net::SocketAddress _client, _server;
    const bool _secure;
};

/// The body of an answer. A small one is kept until its end and sent in one piece, unless it is
/// flushed before.
class PocoAnswerBuffer final : public std::streambuf {
public:
    PocoAnswerBuffer(Exchange& exchange, Poco::Net::HTTPResponse& response);

    /// The head is as it shall be.
    void open();
    bool opened() const { return _state != State::Fresh; }
    /// A part of the answer is on its way.
    bool streaming() const { return _state == State::Streaming; }
    /// The handler has returned: sends what is left and ends the answer.
    void complete();

private:
    enum class State { Fresh, Open, Streaming, Over };

    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* bytes, std::streamsize size) override;
    int sync() override;

    HeaderList headers(bool withLength) const;
    bool flushPending();
    bool write(std::string_view bytes);
    void start();

    Exchange& _exchange;
    Poco::Net::HTTPResponse& _response;
    State _state = State::Fresh;
    const bool _head;      // HEAD: the body is counted and dropped
    bool _broken = false;  // the client has gone
    bool _chunked = false;
    bool _hasLength = false;
    std::uint64_t _length = 0;  // announced by the handler
    std::uint64_t _written = 0;
    std::string _pending;
};

/// The answer of an Exchange for a Poco::Net::HTTPRequestHandler.
///
/// Owner: the worker that runs the handler. Threads: confined to it.
class PocoResponse final : public Poco::Net::HTTPServerResponse {
public:
    explicit PocoResponse(Exchange& exchange);

    void sendContinue() override {}  // said when the body was asked for
    std::ostream& send() override;
    void sendFile(const std::string& path, const std::string& mediaType) override;
    void sendBuffer(const void* bytes, std::size_t length) override;
    void redirect(const std::string& uri, HTTPStatus status = HTTP_FOUND) override;
    void requireAuthentication(const std::string& realm) override;
    bool sent() const override { return _buffer.opened(); }

    void complete() { _buffer.complete(); }
    bool streaming() const { return _buffer.streaming(); }

private:
    PocoAnswerBuffer _buffer;
    std::ostream _stream;
};

}  // namespace socketio
