#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/exchange/FrontEndExchange.h"
#include "socketio/exchange/UnsentAnswers.h"
#include "socketio/fcgi/FcgiRecord.h"
#include "socketio/net/Connection.h"

#include "FcgiServerState.h"

namespace socketio {

class FcgiExchange;

/// FastCGI 1.0 on one connection, in the role of the application: any number of requests at a time,
/// told apart by their ids, and answered in any order.
///
/// What a web server may send and what follows:
///
///     a record that breaks the protocol    (a bad version; a BeginRequest of the wrong length, for
///                                          an id in use, or with id 0; parameters or stdin out of
///                                          order; types that only applications send): closed
///     an unknown type                      id 0: UnknownType; otherwise skipped
///     records of no request                skipped: it has been answered already
///     a role but Responder                 EndRequest: UnknownRole
///     too many requests at once            EndRequest: Overloaded
///     parameters over the limits           answered 431, then closed
///     a request that is none               answered 400 or 405
///     stdin that is not CONTENT_LENGTH     answered 400
///     too slow                             closed
///
/// Owner:   its Connection; exchanges of it hold it longer.
/// Threads: confined to its loop; exchanges post here.
/// Limits:  FcgiLimits.
class FcgiConnection final : public FrontEndConnection,
                             public ExchangeConnection,
                             public std::enable_shared_from_this<FcgiConnection> {
public:
    explicit FcgiConnection(std::shared_ptr<FcgiServerState> server);

    // ConnectionProtocol
    void onOpen(Connection& connection) override;
    std::size_t onInput(char* bytes, std::size_t size) override;
    void onEnd() override;
    void onDeadline() override;
    void onDrained() override;
    void onClosed(const char* detail) override;

    // FrontEndConnection
    void admit() override;
    void shutDown() override;
    void cut() override;

    // ExchangeConnection
    void receiveBody(FrontEndExchange& exchange, std::size_t limit,
                     Exchange::BodyCallback callback) override;
    void answer(FrontEndExchange& exchange) override;
    void sendPiece(FrontEndExchange& exchange, SharedFrame piece) override;
    void dropped(std::uint32_t serial, bool started) override;
    void watchSent(const std::shared_ptr<FrontEndExchange>& exchange) override;
    void abandon(std::uint32_t serial) override;

private:
    /// From BeginRequest to our EndRequest.
    struct Request {
        std::uint16_t id = 0;
        std::uint32_t serial = 0;
        bool keep = false;         // the connection, behind it
        bool begun = false;        // the parameters have ended: the app has it, or had it
        bool bodyDecided = false;  // the app has asked for the body
        bool stdinEnded = false;
        bool streaming = false;    // its answer goes out in pieces
        bool head = false;         // its answer has no body
        FcgiPairs params{};        // until they have ended
        std::uint64_t length = 0;  // CONTENT_LENGTH
        std::uint64_t got = 0;     // of stdin
        std::size_t held = 0;      // of it, before the app wanted it
        TimePoint since{};         // BeginRequest, then the beginning of the collecting
        TimePoint deadline = TimePoint::max();
        std::weak_ptr<FcgiExchange> exchange{};
        std::shared_ptr<FcgiExchange> collecting{};  // while its body is being received
        Exchange::BodyCallback bodyCallback{};
    };

    // The record that is being read.
    void beginRecord();
    void takeContent(std::string_view content);
    void endRecord();
    void beginRequest();
    void takeParams(Request& request, std::string_view content);
    void begin(Request& request);
    void takeStdin(Request& request, std::string_view content);
    void endStdin(Request& request);
    void answerValues();

    Request* find(std::uint16_t id);
    Request* bySerial(std::uint32_t serial);
    void reject(std::uint16_t id, bool keep, FcgiRecord::Status status);
    void refuse(std::uint32_t serial, int status, const char* why);
    void refuseBody(std::uint32_t serial, int status, const char* why, Exchange::BodyStatus end);
    void reached(Limit limit, const char* what) const;
    void lose(std::uint32_t serial);
    Request take(std::uint32_t serial);
    void settle();
    void inputEnded();
    void broken(const char* why);
    void close();
    bool paused() const;
    void resumeIfPaused();
    void updateDeadline();
    TimePoint now() const { return _server->hub->timers(_loop).now(); }

    const std::shared_ptr<FcgiServerState> _server;
    Connection* _connection = nullptr;  // null before onOpen() and after onClosed()
    Executor::LoopId _loop = Executor::kNoLoop;
    FcgiRecordReader _reader;
    std::string _content;                          // of BeginRequest
    FcgiPairs _values;                             // of GetValues
    std::vector<Request> _requests;                // usually one
    std::uint32_t _serial = 0;                     // of the last request
    TimePoint _idleSince{};                        // since when there is no request
    TimePoint _recordDeadline = TimePoint::max();  // for the rest of a record
    bool _served = false;                          // a request has been begun
    bool _inInput = false;                         // onInput() is on the stack
    bool _closing = false;  // no further request; closed when all is answered
    bool _closed = false;   // the Connection has been told to close
    bool _peerEnded = false;
    bool _paused = false;  // input is left to the Connection
    UnsentAnswers _unsent;
};

}  // namespace socketio
