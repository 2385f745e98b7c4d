#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "socketio/exchange/App.h"

namespace socketio {

/// Gives the requests below a path to the app that is mounted there, with that path moved from
/// PATH_INFO to the end of SCRIPT_NAME, and all others to `otherwise`.
///
///     Mounts({{"/docs", docs}, {"/docs/api", api}}, files)
///
/// The longest path wins, and only whole parts count: /docs/ and /docs/x, not /docsearch. A GET of
/// /docs itself is redirected to /docs/, so that links in a page mean the same wherever it is.
///
/// Owner:   the front end or the Middleware that it was given to; it owns the apps.
/// Threads: thread-safe.
/// Errors:  the constructor throws Poco::InvalidArgumentException for a path that does not begin
///          with a slash, is only that, or is mounted twice.
class Mounts : public App {
public:
    using Mount = std::pair<std::string, std::shared_ptr<App>>;

    /// `otherwise` may be null: 404.
    explicit Mounts(std::vector<Mount> mounts, std::shared_ptr<App> otherwise = nullptr);

    void start(Executor& executor) override;
    bool stop(TimePoint deadline) override;
    void begin(const Exchange::Ptr& exchange) override;
    void handle(const Exchange::Ptr& exchange) override;

private:
    std::vector<Mount> _mounts;  // the longest path first
    std::shared_ptr<App> _otherwise;
};

}  // namespace socketio
