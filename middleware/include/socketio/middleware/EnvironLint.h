#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "socketio/base/Mutex.h"
#include "socketio/exchange/App.h"

namespace socketio {

/// Stands between a front end and an app, in tests, and checks that both keep the rules of
/// Environ, Exchange and App:
///
///     the front end   the CGI variables that have to be there, no name or value that must not,
///                     begin() and every callback on the exchange's loop, callbacks at most once,
///                     onAbort() never after an answer
///     the app         exactly one answer, pieces in order and as many bytes as announced,
///                     headers that fit the status and leave framing to the front end,
///                     receiveBody() once and in time, upgrade() only of a handshake
///
/// Everything is passed on unchanged, right or wrong; what was wrong is logged as an error and kept
/// in the report.
///
/// Owner:   as every App.
/// Threads: thread-safe, as the exchanges that it hands on.
class EnvironLint : public App {
public:
    /// What was wrong, one sentence each, that begins with the request: "GET /path: ...".
    /// Owner:   shared by the lint, its exchanges, and the test that reads it.
    /// Threads: thread-safe.
    /// Limits:  the first 1,000 are kept, the others only counted.
    class Report {
    public:
        void add(std::string violation);
        std::vector<std::string> violations() const;
        bool clean() const { return count() == 0; }
        std::size_t count() const;
        std::string text() const;  ///< One violation a line.

    private:
        mutable Mutex _mutex;  // a leaf
        std::vector<std::string> _violations SOCKETIO_GUARDED_BY(_mutex);
        std::size_t _count SOCKETIO_GUARDED_BY(_mutex) = 0;
    };

    explicit EnvironLint(std::shared_ptr<App> app,
                         std::shared_ptr<Report> report = std::make_shared<Report>());
    template <std::derived_from<App> A>
    explicit EnvironLint(A app, std::shared_ptr<Report> report = std::make_shared<Report>())
        : EnvironLint(std::make_shared<A>(std::move(app)), std::move(report)) {}

    void start(Executor& executor) override;
    bool stop(TimePoint deadline) override;
    void begin(const Exchange::Ptr& exchange) override;
    void handle(const Exchange::Ptr& exchange) override;
    std::size_t maxBodyBytes() const override { return _app->maxBodyBytes(); }

    const std::shared_ptr<Report>& report() const { return _report; }

    /// What is wrong with an environ by itself; empty when nothing is.
    static std::vector<std::string> check(const Environ& environ);

private:
    std::shared_ptr<App> _app;
    std::shared_ptr<Report> _report;
};

}  // namespace socketio
