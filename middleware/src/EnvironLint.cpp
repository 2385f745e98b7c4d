#include "socketio/middleware/EnvironLint.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

#include "socketio/base/Log.h"
#include "socketio/base/Text.h"

namespace socketio {

namespace {

constexpr std::size_t kKept = 1000;

bool isNumber(std::string_view text) {
    return !text.empty() && text.size() <= 19 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool isPort(std::string_view text) {
    return isNumber(text) && text.size() <= 5 && std::stoi(std::string(text)) <= 65535;
}

/// A variable's name: a header's characters, folded as CGI does it.
bool isVariableName(std::string_view name) {
    return isToken(name) && std::none_of(name.begin(), name.end(),
                                         [](char c) { return c == '-' || (c >= 'a' && c <= 'z'); });
}

/// Text for a violation.
std::string printable(std::string_view text) { return escapedForLog(text, 200); }

/// The exchange that the app gets: passes everything on and watches.
class LintExchange : public Exchange {
public:
    LintExchange(Exchange::Ptr inner, std::shared_ptr<EnvironLint::Report> report)
        : Exchange(inner->executor(), inner->loop(), inner->can()),
          _inner(std::move(inner)),
          _report(std::move(report)) {
        _environ = _inner->sharedEnviron();
        _request = printable(std::string(environ().method()) + " " + std::string(environ().path()));
    }

    ~LintExchange() override {
        MutexLock lock(_mutex);
        if (_answer == Answer::None && !_aborted && !_inner->finished())
            violation("the app let go of the request without an answer");
        if (_answer == Answer::Started && !_aborted && !_broken)
            violation("the app started an answer and never finished it");
    }

    /// Before the app sees the request: from here an abort is noticed even if the app never asks.
    void watch() {
        _inner->onAbort([weak = weak()] {
            if (const auto self = weak.lock()) self->aborted();
        });
    }

    void violation(const std::string& what) const { _report->add(_request + ": " + what); }

    void receiveBody(std::size_t limit, BodyCallback callback) override {
        onLoop("receiveBody()");
        {
            MutexLock lock(_mutex);
            if (_bodyAsked) violation("receiveBody() was called twice");
            if (_answer != Answer::None) violation("receiveBody() after an answer");
            _bodyAsked = true;
            // The app's callback may hold us weakly (App::begin() does), and the front end knows
            // only the inner exchange.
            if (_answer == Answer::None) _untilBody = shared_from_this();
        }
        _inner->receiveBody(limit, [weak = weak(), limit, callback = std::move(callback),
                                    called = false](BodyStatus status) mutable {
            const auto self = weak.lock();
            if (!self) return;
            self->onLoop("the callback of receiveBody()");
            if (std::exchange(called, true)) self->violation("a body callback came twice");
            self->_body = self->_inner->takeBody();
            self->letGo();
            if (status == BodyStatus::Complete && self->_body.size() > limit)
                self->violation("a body over the limit was called complete");
            callback(status);
        });
    }

    void respond(Response response) override {
        answering(Answer::Complete, "respond()");
        checkHeaders(response.status, response.headers, response.body.size());
        _inner->respond(std::move(response));
        letGo();
    }

    void start(int status, HeaderList headers) override {
        answering(Answer::Started, "start()");
        checkHeaders(status, headers, std::nullopt);
        {
            MutexLock lock(_mutex);
            const std::string_view length = headers.get("Content-Length");
            if (isNumber(length)) _announced = std::stoull(std::string(length));
        }
        _inner->start(status, std::move(headers));
    }

    bool write(std::string_view bytes) override {
        {
            MutexLock lock(_mutex);
            if (_answer != Answer::Started) violation("write() outside of start() and finish()");
            if (environ().method() == "HEAD" && !bytes.empty())
                violation("write() of a body to a HEAD request");
            _written += bytes.size();
            if (_announced && _written > *_announced)
                violation("more bytes were written than Content-Length says");
        }
        const bool taken = _inner->write(bytes);
        if (!taken) {
            MutexLock lock(_mutex);
            _broken = true;
        }
        return taken;
    }

    void finish() override {
        {
            MutexLock lock(_mutex);
            if (_answer != Answer::Started)
                violation("finish() without start(), or a second finish()");
            _answer = Answer::Complete;
            if (_announced && _written < *_announced && environ().method() != "HEAD" && !_broken &&
                !_aborted)
                violation("fewer bytes were written than Content-Length says");
        }
        _inner->finish();
        letGo();
    }

    void whenWritable(Task task) override {
        {
            MutexLock lock(_mutex);
            if (_answer != Answer::Started)
                violation("whenWritable() outside of start() and finish()");
        }
        _inner->whenWritable(std::move(task));
    }

    void onAbort(AbortCallback callback) override {
        MutexLock lock(_mutex);
        _onAbort = std::move(callback);
    }

    void onSent(std::function<void()> callback) override {
        _inner->onSent([weak = weak(), callback = std::move(callback), called = false]() mutable {
            if (const auto self = weak.lock()) {
                self->onLoop("the callback of onSent()");
                if (std::exchange(called, true)) self->violation("onSent() called back twice");
                MutexLock lock(self->_mutex);
                if (self->_answer == Answer::None || self->_answer == Answer::Started)
                    self->violation("onSent() called back before the answer was complete");
            }
            callback();
        });
    }

    bool isWebSocketHandshake() const override { return _inner->isWebSocketHandshake(); }
    bool wantsWebSocket() const override { return _inner->wantsWebSocket(); }

    std::shared_ptr<WebSocketChannel> upgrade(const WebSocketOptions& options,
                                              const HeaderList& headers) override {
        onLoop("upgrade()");
        if (!can().upgrade || !_inner->isWebSocketHandshake())
            violation("upgrade() of what is no WebSocket handshake");
        answering(Answer::Upgraded, "upgrade()");
        checkHeaders(101, headers, std::nullopt);
        return _inner->upgrade(options, headers);
    }

    void detach(DetachCallback callback) override {
        onLoop("detach()");
        if (!can().detach) violation("detach() from a front end that cannot let go");
        answering(Answer::Upgraded, "detach()");
        _inner->detach(std::move(callback));
    }

    bool finished() const override { return _inner->finished(); }

private:
    enum class Answer { None, Started, Complete, Upgraded };

    std::weak_ptr<LintExchange> weak() {
        return std::static_pointer_cast<LintExchange>(shared_from_this());
    }

    void letGo() {
        Exchange::Ptr self;  // released after the lock
        MutexLock lock(_mutex);
        self.swap(_untilBody);
    }

    void onLoop(const char* what) const {
        if (executor().currentLoop() != loop())
            violation(std::string(what) + " not on the exchange's loop");
    }

    void answering(Answer answer, const char* call) {
        MutexLock lock(_mutex);
        if (_answer != Answer::None && !_aborted)
            violation(std::string(call) + " is a second answer");
        if (_answer == Answer::None) _answer = answer;
    }

    void aborted() {
        onLoop("the callback of onAbort()");
        AbortCallback callback;
        {
            MutexLock lock(_mutex);
            if (_aborted) violation("onAbort() called back twice");
            if (_answer == Answer::Complete || _answer == Answer::Upgraded)
                violation("onAbort() called back after an answer");
            _aborted = true;
            callback = std::exchange(_onAbort, {});
        }
        if (callback) callback();
        letGo();
    }

    void checkHeaders(int status, const HeaderList& headers,
                      std::optional<std::size_t> bodyBytes) const {
        const bool bodiless = status == 101 || status == 204 || status == 304;
        if (status != 101 && (status < 200 || status > 599))
            violation("status " + std::to_string(status));
        std::set<std::string> seen;
        for (const HeaderList::Field& field : headers) {
            const std::string name = lowerCase(field.name);
            if ((name == "connection" && field.value != "close") || name == "keep-alive" ||
                name == "transfer-encoding" || name == "upgrade" || name == "date")
                violation("header " + field.name + " belongs to the front end");
            if (name == "status") violation("header Status stands for the status line in CGI");
            if (!seen.insert(name).second && name != "set-cookie" && name != "vary")
                violation("header " + field.name + " twice");
        }
        const std::string_view length = headers.get("Content-Length");
        if (headers.has("Content-Length")) {
            if (!isNumber(length))
                violation("Content-Length that is no number");
            else if (bodyBytes && environ().method() != "HEAD" &&
                     length != std::to_string(*bodyBytes))
                violation("Content-Length differs from the body");
            if (status == 101 || status == 204)
                violation("Content-Length with status " + std::to_string(status));
        }
        if (bodiless && bodyBytes.value_or(0) > 0)
            violation("a body with status " + std::to_string(status));
        if (!bodiless && bodyBytes.value_or(0) > 0 && !headers.has("Content-Type"))
            violation("a body without Content-Type");
    }

    const Exchange::Ptr _inner;
    const std::shared_ptr<EnvironLint::Report> _report;
    std::string _request;
    mutable Mutex _mutex;  // only the report's is taken under it
    Answer _answer SOCKETIO_GUARDED_BY(_mutex) = Answer::None;
    bool _aborted SOCKETIO_GUARDED_BY(_mutex) = false;
    bool _broken SOCKETIO_GUARDED_BY(_mutex) = false;  // write() said that the client has gone
    bool _bodyAsked SOCKETIO_GUARDED_BY(_mutex) = false;
    std::optional<std::uint64_t> _announced SOCKETIO_GUARDED_BY(_mutex);
    std::uint64_t _written SOCKETIO_GUARDED_BY(_mutex) = 0;
    AbortCallback _onAbort SOCKETIO_GUARDED_BY(_mutex);
    Exchange::Ptr _untilBody SOCKETIO_GUARDED_BY(_mutex);
};

}  // namespace

void EnvironLint::Report::add(std::string violation) {
    static const Log log("socketio.lint");
    log.error(violation);
    MutexLock lock(_mutex);
    ++_count;
    if (_violations.size() < kKept) _violations.push_back(std::move(violation));
}

std::vector<std::string> EnvironLint::Report::violations() const {
    MutexLock lock(_mutex);
    return _violations;
}

std::size_t EnvironLint::Report::count() const {
    MutexLock lock(_mutex);
    return _count;
}

std::string EnvironLint::Report::text() const {
    std::string text;
    for (const std::string& violation : violations()) text.append(violation).append("\n");
    return text;
}

EnvironLint::EnvironLint(std::shared_ptr<App> app, std::shared_ptr<Report> report)
    : _app(std::move(app)), _report(std::move(report)) {}

void EnvironLint::start(Executor& executor) { _app->start(executor); }

bool EnvironLint::stop(TimePoint deadline) { return _app->stop(deadline); }

void EnvironLint::begin(const Exchange::Ptr& exchange) {
    const auto watched = std::make_shared<LintExchange>(exchange, _report);
    for (const std::string& what : check(exchange->environ())) watched->violation(what);
    if (exchange->executor().currentLoop() != exchange->loop())
        watched->violation("begin() not on the exchange's loop");
    watched->watch();
    _app->begin(watched);
}

void EnvironLint::handle(const Exchange::Ptr& exchange) {
    const auto watched = std::make_shared<LintExchange>(exchange, _report);
    for (const std::string& what : check(exchange->environ())) watched->violation(what);
    watched->watch();
    _app->handle(watched);
}

std::vector<std::string> EnvironLint::check(const Environ& environ) {
    std::vector<std::string> wrong;
    const auto expect = [&](bool condition, const std::string& what) {
        if (!condition) wrong.push_back(what);
    };

    for (const char* name :
         {"REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI",
          "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "GATEWAY_INTERFACE"})
        expect(environ.has(name), std::string(name) + " is missing");

    std::set<std::string, std::less<>> seen;
    environ.forEach([&](std::string_view name, std::string_view value) {
        const std::string shown = printable(name);
        expect(isVariableName(name), "\"" + shown + "\" is no name of a variable");
        expect(seen.emplace(name).second, shown + " is there twice");
        expect(name != "HTTP_PROXY" && name != "HTTP_CONTENT_TYPE" && name != "HTTP_CONTENT_LENGTH",
               shown + " must not get in");
        expect(value.find_first_of(std::string_view("\r\n\0", 3)) == value.npos,
               shown + " holds CR, LF or NUL");
    });

    const std::string_view script = environ["SCRIPT_NAME"], path = environ.path();
    const auto expectValue = [&](const char* name, bool condition) {
        if (environ.has(name))
            expect(condition, std::string(name) + " is \"" + printable(environ[name]) + "\"");
    };
    expectValue("REQUEST_METHOD", isToken(environ.method()));
    expectValue("SCRIPT_NAME",
                script.empty() || (script.starts_with('/') && !script.ends_with('/')));
    expectValue("PATH_INFO", path.empty() || path.starts_with('/') ||
                                 (path == "*" && environ.method() == "OPTIONS"));
    if (environ.has("SCRIPT_NAME") && environ.has("PATH_INFO"))
        expect(!script.empty() || !path.empty(), "SCRIPT_NAME and PATH_INFO are both empty");
    expectValue("QUERY_STRING", environ.query().find('#') == std::string_view::npos &&
                                    !environ.query().starts_with('?'));
    expectValue("REQUEST_URI", !environ["REQUEST_URI"].empty());
    expectValue("SERVER_NAME", !environ["SERVER_NAME"].empty());
    expectValue("SERVER_PORT", isPort(environ["SERVER_PORT"]));
    const std::string_view protocol = environ["SERVER_PROTOCOL"];
    expectValue("SERVER_PROTOCOL", protocol.starts_with("HTTP/") && protocol.size() > 5);
    expectValue("REMOTE_ADDR", !environ.remoteAddress().empty());
    expectValue("REMOTE_PORT", isPort(environ["REMOTE_PORT"]));
    expectValue("GATEWAY_INTERFACE", environ["GATEWAY_INTERFACE"].starts_with("CGI/"));
    expectValue("HTTPS", environ["HTTPS"] == "on");
    expectValue("CONTENT_LENGTH", isNumber(environ["CONTENT_LENGTH"]));
    return wrong;
}

}  // namespace socketio
