#include "socketio/middleware/StaticFiles.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <Poco/Exception.h>

#include "socketio/base/Log.h"
#include "socketio/base/Text.h"

#include "HttpFields.h"
#include "OpenBeneath.h"

namespace socketio {

namespace {

constexpr std::uint64_t kAtOnce = 256 * 1024;
constexpr std::size_t kPiece = 128 * 1024;

struct KnownType {
    std::string_view extension, type;
};
constexpr KnownType kTypes[] = {
    {"avif", "image/avif"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/x-icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json; charset=utf-8"},
    {"map", "application/json; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"ogg", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml; charset=utf-8"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json; charset=utf-8"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xml", "application/xml; charset=utf-8"},
    {"zip", "application/zip"},
};

const Log& logger() {
    static const Log log("socketio.static");
    return log;
}

std::string describe(int error) { return std::generic_category().message(error); }

/// The folder as an absolute path without links; throws when it cannot be read.
std::string readableFolder(const std::string& folder) {
    const FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.valid()) {
        const std::string what = "folder \"" + folder + "\": " + describe(errno);
        if (errno == ENOENT) throw Poco::FileNotFoundException(what);
        if (errno == EACCES) throw Poco::FileAccessDeniedException(what);
        throw Poco::OpenFileException(what);
    }
    if (folder.starts_with('/')) return folder;
    char here[PATH_MAX];
    if (!::getcwd(here, sizeof here))
        throw Poco::FileException("working folder: " + describe(errno));
    return std::string(here) + "/" + folder;
}

/// What a request path names, relative to the folder and without empty parts.
struct Target {
    std::string path;           // "a/b"; "" is the folder itself
    bool trailingSlash = true;  // "/a/b/"
};

/// False for a path that can name no file of ours, whatever is on the disk.
bool resolve(std::string_view path, bool dotFiles, Target& target) {
    if (!path.starts_with('/')) return false;
    for (const char c : path)
        if (isControl(c) || c == '\\') return false;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string_view part = path.substr(0, path.find('/'));
        path.remove_prefix(part.size());
        target.trailingSlash = part.empty();
        if (part.empty()) continue;
        if (part == "." || part == ".." || (part.front() == '.' && !dotFiles)) return false;
        if (!target.path.empty()) target.path += '/';
        target.path += part;
    }
    return true;
}

std::string entityTag(const struct stat& status) {
    char text[64];
    std::snprintf(text, sizeof text, "\"%llx-%llx%08lx\"",
                  static_cast<unsigned long long>(status.st_size),
                  static_cast<unsigned long long>(status.st_mtim.tv_sec),
                  static_cast<unsigned long>(status.st_mtim.tv_nsec));
    return text;
}

/// Reads exactly `length` bytes; false when the file has become shorter or cannot be read.
bool readAt(int fd, std::uint64_t offset, char* to, std::size_t length) {
    while (length > 0) {
        const ssize_t got = ::pread(fd, to, length, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        to += got;
        offset += static_cast<std::uint64_t>(got);
        length -= static_cast<std::size_t>(got);
    }
    return true;
}

enum class Precondition { Go, NotModified, Failed };

/// RFC 9110 §13.2.2, for GET and HEAD.
Precondition evaluate(const Environ& environ, std::string_view tag, std::time_t modified) {
    if (environ.has("HTTP_IF_MATCH")) {
        if (!matchesEntityTag(environ["HTTP_IF_MATCH"], tag, false)) return Precondition::Failed;
    } else if (const auto since = parseHttpDate(environ["HTTP_IF_UNMODIFIED_SINCE"])) {
        if (modified > *since) return Precondition::Failed;
    }
    if (environ.has("HTTP_IF_NONE_MATCH"))
        return matchesEntityTag(environ["HTTP_IF_NONE_MATCH"], tag, true)
                   ? Precondition::NotModified
                   : Precondition::Go;
    const auto since = parseHttpDate(environ["HTTP_IF_MODIFIED_SINCE"]);
    return since && modified <= *since ? Precondition::NotModified : Precondition::Go;
}

/// If-Range: a part is of use to the client only if it still has the rest of the same file.
bool rangeStillValid(const Environ& environ, std::string_view tag, std::string_view modified) {
    if (!environ.has("HTTP_IF_RANGE")) return true;
    const std::string_view condition = environ["HTTP_IF_RANGE"];
    if (condition.find('"') != condition.npos) return condition == tag;
    return condition == modified;
}

/// A place among the large files that are sent at a time.
class StreamPlace {
public:
    StreamPlace(std::shared_ptr<std::atomic<std::size_t>> used, std::size_t limit)
        : _used(std::move(used)), _granted(_used->fetch_add(1) < limit) {}
    StreamPlace(StreamPlace&&) = default;
    ~StreamPlace() {
        if (_used) --*_used;
    }
    explicit operator bool() const { return _granted; }

private:
    std::shared_ptr<std::atomic<std::size_t>> _used;  // null once moved from
    bool _granted;
};

}  // namespace

struct StaticFiles::Found {
    FileDescriptor fd;
    struct stat status {};
    std::string name;
};

StaticFiles::StaticFiles(std::string folder, StaticFilesOptions options)
    : _folder(readableFolder(folder)),
      _options(std::move(options)),
      _streams(std::make_shared<std::atomic<std::size_t>>(0)) {}

void StaticFiles::start(Executor& executor) {
    if (_options.fallback) _options.fallback->start(executor);
}

bool StaticFiles::stop(TimePoint deadline) {
    return !_options.fallback || _options.fallback->stop(deadline);
}

void StaticFiles::begin(const Exchange::Ptr& exchange) {
    const std::string_view method = exchange->environ().method();
    if (method != "GET" && method != "HEAD") {
        if (_options.fallback) return _options.fallback->begin(exchange);
        Response refusal = Response::text(405, "Method Not Allowed");
        refusal.headers.add("Allow", "GET, HEAD");
        return exchange->respond(std::move(refusal));
    }
    if (!exchange->executor().runOnWorker([this, exchange] {
            exchange->executor().describeWork("file " + std::string(exchange->environ().path()));
            handle(exchange);
        }))
        exchange->respond(Response::text(503, "Service Unavailable"));
}

void StaticFiles::handle(const Exchange::Ptr& exchange) {
    try {
        serve(exchange);
    } catch (const Poco::Exception& e) {
        logger().error("request failed: " + e.displayText());
        exchange->respond(Response::text(500, "Internal Server Error"));
    } catch (const std::exception& e) {
        logger().error(std::string("request failed: ") + e.what());
        exchange->respond(Response::text(500, "Internal Server Error"));
    }
}

void StaticFiles::serve(const Exchange::Ptr& exchange) const {
    const Environ& environ = exchange->environ();
    Target target;
    if (!resolve(environ.path(), _options.dotFiles, target)) return notFound(exchange);

    Found found{openBeneath(_folder, target.path.empty() ? "." : target.path), {}, target.path};
    if (found.fd.valid() && ::fstat(found.fd.get(), &found.status) == 0 &&
        S_ISDIR(found.status.st_mode)) {
        if (_options.index.empty()) return notFound(exchange);
        found.name = target.path.empty() ? _options.index : target.path + "/" + _options.index;
        found.fd = openBeneath(_folder, found.name);
        if (found.fd.valid() && ::fstat(found.fd.get(), &found.status) != 0)
            found.fd = FileDescriptor();
        if (found.fd.valid() && !target.trailingSlash) {
            // Built from the parts of the path: `//host/..` must not lead to another host.
            std::string location = percentEncodePath(environ["SCRIPT_NAME"]);
            location.append("/").append(percentEncodePath(target.path)).append("/");
            if (!environ.query().empty()) location.append("?").append(environ.query());
            Response redirect = Response::text(301, "Moved Permanently");
            redirect.headers.add("Location", location);
            return exchange->respond(std::move(redirect));
        }
    } else if (found.fd.valid() && target.trailingSlash) {
        return notFound(exchange);  // "/file.txt/"
    }
    if (found.fd.valid()) {
        if (!S_ISREG(found.status.st_mode)) return notFound(exchange);
        return send(exchange, found);
    }
    switch (errno) {
        case EACCES:
        case EPERM:
            return exchange->respond(Response::text(403, "Forbidden"));
        case EMFILE:
        case ENFILE:
        case ENOMEM:
            logger().error("\"" + found.name + "\": " + describe(errno));
            return exchange->respond(Response::text(503, "Service Unavailable"));
        default:
            return notFound(exchange);
    }
}

void StaticFiles::notFound(const Exchange::Ptr& exchange) const {
    if (!_options.fallback) return exchange->respond(Response::notFound());
    exchange->executor().post(exchange->loop(),
                              [app = _options.fallback, exchange] { app->begin(exchange); });
}

void StaticFiles::send(const Exchange::Ptr& exchange, Found& found) const {
    const Environ& environ = exchange->environ();
    const auto size = static_cast<std::uint64_t>(found.status.st_size);
    const std::string tag = entityTag(found.status);
    const std::string modified = formatHttpDate(found.status.st_mtim.tv_sec);

    HeaderList headers;
    headers.add("Cache-Control", _options.cacheControl);
    headers.add("ETag", tag);
    headers.add("Last-Modified", modified);
    headers.add("X-Content-Type-Options", "nosniff");
    switch (evaluate(environ, tag, found.status.st_mtim.tv_sec)) {
        case Precondition::NotModified:
            return exchange->respond({304, std::move(headers), {}});
        case Precondition::Failed:
            return exchange->respond(Response::text(412, "Precondition Failed"));
        case Precondition::Go:
            break;
    }
    headers.add("Content-Type", contentType(found.name));
    headers.add("Accept-Ranges", "bytes");

    const bool head = environ.method() == "HEAD";
    ByteRange range{ByteRange::Kind::Whole, 0, size};
    if (!head && environ.has("HTTP_RANGE") && rangeStillValid(environ, tag, modified))
        range = ByteRange::parse(environ["HTTP_RANGE"], size);
    if (range.kind == ByteRange::Kind::Unsatisfiable) {
        Response refusal = Response::text(416, "Range Not Satisfiable");
        refusal.headers.add("Content-Range", "bytes */" + std::to_string(size));
        return exchange->respond(std::move(refusal));
    }
    int status = 200;
    if (range.kind == ByteRange::Kind::Part) {
        status = 206;
        headers.add("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                         std::to_string(range.first + range.length - 1) + "/" +
                                         std::to_string(size));
    }
    if (head) {
        headers.add("Content-Length", std::to_string(size));
        exchange->start(status, std::move(headers));
        return exchange->finish();
    }
    if (range.length > kAtOnce)
        return stream(exchange, found, status, std::move(headers), range.first, range.length);

    std::string body(range.length, '\0');
    if (!readAt(found.fd.get(), range.first, body.data(), body.size())) {
        logger().error("\"" + found.name + "\" became shorter while it was read");
        return exchange->respond(Response::text(500, "Internal Server Error"));
    }
    exchange->respond({status, std::move(headers), std::move(body)});
}

namespace {

/// A large file on its way to a client that takes it at its own pace: no worker waits for it.
///
/// Owner:   the task that sends its next piece.
/// Threads: one worker at a time.
class Download : public std::enable_shared_from_this<Download> {
public:
    Download(Exchange::Ptr exchange, FileDescriptor file, std::string name, std::uint64_t first,
             std::uint64_t length, StreamPlace place)
        : _exchange(std::move(exchange)),
          _file(std::move(file)),
          _name(std::move(name)),
          _at(first),
          _end(first + length),
          _place(std::move(place)) {}

    /// Sends a piece, and asks to be called again when there is room for the next. Left unfinished
    /// the answer breaks off: a client that was promised more must see that.
    void proceed() {
        try {
            _exchange->executor().describeWork("file " + _name);
            std::string piece(std::min<std::uint64_t>(kPiece, _end - _at), '\0');
            if (!readAt(_file.get(), _at, piece.data(), piece.size()))
                return logger().error("\"" + _name + "\" became shorter while it was sent");
            if (!_exchange->write(piece)) return;
            _at += piece.size();
            if (_at == _end) return _exchange->finish();
            _exchange->whenWritable([self = shared_from_this()] { self->proceed(); });
        } catch (const std::exception& e) {
            logger().error("\"" + _name + "\" broke off: " + e.what());
        }
    }

private:
    const Exchange::Ptr _exchange;
    const FileDescriptor _file;
    const std::string _name;
    std::uint64_t _at;
    const std::uint64_t _end;
    const StreamPlace _place;
};

}  // namespace

void StaticFiles::stream(const Exchange::Ptr& exchange, Found& found, int status,
                         HeaderList headers, std::uint64_t first, std::uint64_t length) const {
    StreamPlace place(_streams, _options.maxStreams);
    if (!place) {
        Response busy = Response::text(503, "Service Unavailable");
        busy.headers.add("Retry-After", "1");
        return exchange->respond(std::move(busy));
    }
    headers.add("Content-Length", std::to_string(length));
    exchange->start(status, std::move(headers));
    std::make_shared<Download>(exchange, std::move(found.fd), std::move(found.name), first, length,
                               std::move(place))
        ->proceed();
}

std::string_view StaticFiles::contentType(std::string_view name) const {
    const std::size_t dot = name.rfind('.'), slash = name.rfind('/');
    if (dot != name.npos && (slash == name.npos || dot > slash)) {
        const std::string extension = lowerCase(name.substr(dot + 1));
        const auto own = _options.contentTypes.find(extension);
        if (own != _options.contentTypes.end()) return own->second;
        for (const KnownType& known : kTypes)
            if (known.extension == extension) return known.type;
    }
    return "application/octet-stream";
}

}  // namespace socketio
