#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "socketio/exchange/App.h"

namespace Poco {
class Logger;
}

namespace socketio {

struct AccessLogOptions {
    enum class Format {
        Common,    ///< host - user [time] "request" status bytes
        Combined,  ///< ... "referer" "user agent"
        Json,      ///< one object a line: the same, and the time the answer took
    };
    enum class Query {
        Names,  ///< Names only; values of EIO and transport, too. A sid or a token is a secret.
        None,
        All,
    };
    Format format = Format::Combined;
    Query query = Query::Names;
    /// Gets each line with its line feed, from any thread, several at a time; must not block.
    /// Empty: no lines.
    std::function<void(std::string_view line)> write{};
    Poco::Logger* debug = nullptr;  ///< Gets "GET /path 200 123 bytes in 4 ms" at debug level.
};

/// Writes a line for each request when it has been answered, in the formats that web servers use:
///
///     192.0.2.7 - - [23/Nov/2026:12:00:00 +0000] "GET /socket.io/?EIO=4&transport=polling&sid=*
///         HTTP/1.1" 200 97 "http://example.org/" "Mozilla/5.0"
///
/// A poll is logged when it is answered and not when it is parked, a WebSocket with 101 when it is
/// accepted; a client that went away unanswered has the status 499. Bytes are those of the body.
/// What the front end refuses before any app sees it (bytes that are no HTTP) is not here.
///
/// Never in a line: cookies, bodies, control characters; values of a query or a Referer only with
/// Query::All. What is not printable ASCII is written as \xhh, and so are quotes and backslashes.
///
/// Owner:   the front end; it owns the app.
/// Threads: thread-safe.
/// Limits:  a line is at most 1 KB: long paths, referers and user agents are cut.
class AccessLog : public App {
public:
    explicit AccessLog(std::shared_ptr<App> app, AccessLogOptions options);
    template <std::derived_from<App> A>
    explicit AccessLog(A app, AccessLogOptions options)
        : AccessLog(std::shared_ptr<App>(std::make_shared<A>(std::move(app))), std::move(options)) {
    }

    void start(Executor& executor) override { _app->start(executor); }
    bool stop(TimePoint deadline) override { return _app->stop(deadline); }
    void begin(const Exchange::Ptr& exchange) override;
    void handle(const Exchange::Ptr& exchange) override;
    std::size_t maxBodyBytes() const override { return _app->maxBodyBytes(); }

    /// What became of a request.
    struct Entry {
        std::chrono::system_clock::time_point began{};
        std::chrono::microseconds took{0};
        int status = 0;
        std::uint64_t bytes = 0;
    };
    /// The line for a request, with its line feed.
    static std::string line(const Environ& environ, const Entry& entry,
                            AccessLogOptions::Format format, AccessLogOptions::Query query);

private:
    const std::shared_ptr<App> _app;
    const std::shared_ptr<const AccessLogOptions> _options;  // exchanges may outlive the app
};

}  // namespace socketio
