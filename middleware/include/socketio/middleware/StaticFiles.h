#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "socketio/exchange/App.h"

namespace socketio {

struct StaticFilesOptions {
    std::string index = "index.html";       ///< Served for a folder; empty: folders are not found.
    std::string cacheControl = "no-cache";  ///< The browser keeps it but asks each time.
    bool dotFiles = false;                  ///< Serve what begins with a dot, too.
    /// By extension in lower case, without the dot; these win over the built-in ones.
    std::map<std::string, std::string> contentTypes{};
    /// Large files sent at a time, each of which holds a descriptor and what is queued of it.
    std::size_t maxStreams = 128;
    std::shared_ptr<App> fallback{};  ///< Gets what is not found here, and what is no GET or HEAD.
};

/// Serves the files of a folder: GET and HEAD, conditional requests, one byte range (RFC 9110).
///
/// Nothing outside of the folder is reachable: not by `..`, not through symbolic links (a link to
/// a place inside the folder works), and only regular files are sent. Hidden files are not found.
///
/// Owner:   the front end or the Middleware that it was given to. Copies share the limit.
/// Threads: thread-safe. Files are read on workers.
/// Limits:  files up to 256 KiB are answered in one piece; larger ones are sent in pieces of 128
/// KiB
///          as the client takes them, without a worker that waits, `maxStreams` at a time; the next
///          one gets 503.
/// Errors:  the constructor throws Poco::FileException (or one derived from it) naming the folder
///          when it cannot be read. Later, what cannot be opened is 404 or 403; a file that
///          shrinks while it is sent ends its connection.
class StaticFiles : public App {
public:
    explicit StaticFiles(std::string folder, StaticFilesOptions options = {});

    void start(Executor& executor) override;
    bool stop(TimePoint deadline) override;
    void begin(const Exchange::Ptr& exchange) override;
    void handle(const Exchange::Ptr& exchange) override;

    /// The folder as an absolute path.
    const std::string& folder() const { return _folder; }
    const StaticFilesOptions& options() const { return _options; }

private:
    struct Found;

    void serve(const Exchange::Ptr& exchange) const;
    void send(const Exchange::Ptr& exchange, Found& found) const;
    void stream(const Exchange::Ptr& exchange, Found& found, int status, HeaderList headers,
                std::uint64_t first, std::uint64_t length) const;
    void notFound(const Exchange::Ptr& exchange) const;
    std::string_view contentType(std::string_view name) const;

    std::string _folder;
    StaticFilesOptions _options;
    std::shared_ptr<std::atomic<std::size_t>> _streams;
};

}  // namespace socketio
