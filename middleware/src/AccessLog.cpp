#include "socketio/middleware/AccessLog.h"

#include <atomic>
#include <cstdio>
#include <ctime>

#include <Poco/Exception.h>
#include <Poco/Logger.h>

#include "socketio/base/Clock.h"
#include "socketio/exchange/ForwardingExchange.h"

namespace socketio {

namespace {

using Format = AccessLogOptions::Format;
using Query = AccessLogOptions::Query;

constexpr std::size_t kLongestName = 64;  // of a host, a user, a method
constexpr std::size_t kLongestTarget = 360;
constexpr std::size_t kLongestField = 160;
constexpr int kClientClosed = 499;  // what nginx writes for it

/// Appends `text` as printable ASCII without quotes and backslashes, at most `limit` bytes of it.
void appendEscaped(std::string& out, std::string_view text, std::size_t limit) {
    static constexpr char kHex[] = "0123456789abcdef";
    const std::size_t end = out.size() + limit;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
        if (out.size() + (plain ? 1 : 4) > end) {
            out += "...";
            return;
        }
        if (plain) {
            out += c;
        } else {
            out += "\\x";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
}

void appendOrDash(std::string& out, std::string_view text, std::size_t limit) {
    if (text.empty())
        out += '-';
    else
        appendEscaped(out, text, limit);
}

/// The names of a query, and the values of those that everybody may know.
std::string namesOf(std::string_view query) {
    std::string out;
    while (!query.empty() && out.size() < kLongestTarget) {
        const std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), part.size() + 1));
        const std::string_view name = part.substr(0, part.find('='));
        if (!out.empty()) out += '&';
        if (name == "EIO" || name == "transport")
            out += part;
        else if (name.size() < part.size())
            out.append(name).append("=*");
        else
            out += '*';  // without `=` it is a value just as well
    }
    return out;
}

void appendTarget(std::string& out, const Environ& environ, Query query) {
    // As the client wrote it: what is decoded could look like another request.
    std::string target(environ["REQUEST_URI"]);
    if (target.empty()) target.append(environ["SCRIPT_NAME"]).append(environ.path());
    const std::size_t mark = target.find('?');
    std::string names = mark == target.npos ? std::string() : target.substr(mark + 1);
    target.resize(std::min(mark, target.size()));
    if (query == Query::Names) names = namesOf(names);
    if (query != Query::None && !names.empty()) target.append("?").append(names);
    appendOrDash(out, target, kLongestTarget);
}

/// A page of another site may have secrets in its query and its authority.
std::string referer(const Environ& environ, Query query) {
    std::string text(environ["HTTP_REFERER"]);
    if (query == Query::All) return text;
    text.resize(std::min(text.find_first_of("?#"), text.size()));
    const std::size_t authority = text.find("://");
    if (authority == text.npos) return text;
    const std::size_t end = std::min(text.find('/', authority + 3), text.size());
    const std::size_t at = text.rfind('@', end);
    if (at != text.npos && at > authority && at < end)
        text.erase(authority + 3, at - authority - 2);
    return text;
}

const char* monthName(int month) {
    static constexpr const char* kNames[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    return kNames[month];
}

void appendTime(std::string& out, std::chrono::system_clock::time_point time, bool json) {
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    const std::time_t seconds = static_cast<std::time_t>(micros / 1'000'000);
    std::tm parts{};
    char text[64];
    if (json) {
        gmtime_r(&seconds, &parts);
        std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                      parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                      parts.tm_min, parts.tm_sec, static_cast<int>(micros / 1000 % 1000));
    } else {
        localtime_r(&seconds, &parts);
        const long offset = parts.tm_gmtoff / 60;
        std::snprintf(text, sizeof text, "%02d/%s/%04d:%02d:%02d:%02d %c%02ld%02ld", parts.tm_mday,
                      monthName(parts.tm_mon), parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                      parts.tm_sec, offset < 0 ? '-' : '+', std::abs(offset) / 60,
                      std::abs(offset) % 60);
    }
    out += text;
}

/// `,"name":"value"`; escaped text has no quotes and no control characters, but backslashes.
void appendMember(std::string& out, const char* name, std::string_view value, std::size_t limit) {
    if (value.empty()) return;
    std::string escaped;
    appendEscaped(escaped, value, limit);
    out.append(",\"").append(name).append("\":\"");
    for (const char c : escaped) {
        if (c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

std::string jsonLine(const Environ& environ, const AccessLog::Entry& entry, Query query) {
    std::string out = "{\"time\":\"";
    appendTime(out, entry.began, true);
    out += '"';
    appendMember(out, "remote", environ.remoteAddress(), kLongestName);
    appendMember(out, "user", environ["REMOTE_USER"], kLongestName);
    appendMember(out, "method", environ.method(), kLongestName);
    std::string target;
    appendTarget(target, environ, query);
    // It has been escaped; only the backslashes of that are left to be.
    out += ",\"target\":\"";
    for (const char c : target) {
        if (c == '\\') out += '\\';
        out += c;
    }
    out += '"';
    appendMember(out, "protocol", environ["SERVER_PROTOCOL"], kLongestName);
    out.append(",\"status\":").append(std::to_string(entry.status));
    out.append(",\"bytes\":").append(std::to_string(entry.bytes));
    char milliseconds[32];
    std::snprintf(milliseconds, sizeof milliseconds, "%.3f",
                  static_cast<double>(entry.took.count()) / 1000.0);
    out.append(",\"ms\":").append(milliseconds);
    appendMember(out, "referer", referer(environ, query), kLongestField);
    appendMember(out, "agent", environ["HTTP_USER_AGENT"], kLongestField);
    out += "}\n";
    return out;
}

/// Passes everything on and counts what the answer is.
class LoggedExchange final : public ForwardingExchange {
public:
    LoggedExchange(Ptr inner, std::shared_ptr<const AccessLogOptions> options)
        : ForwardingExchange(std::move(inner)),
          _options(std::move(options)),
          _began(std::chrono::system_clock::now()),
          _start(std::chrono::steady_clock::now()) {}

    ~LoggedExchange() override {
        // Nobody answered: the client went away, or the front end answers 500.
        log(finished() ? kClientClosed : 500, 0);
    }

    void respond(Response response) override {
        const int status = finished() ? kClientClosed : response.status;
        const std::uint64_t bytes = bodyOf(response.status, response.body.size());
        _inner->respond(std::move(response));
        log(status, bytes);
    }
    void start(int status, HeaderList headers) override {
        _status = finished() ? kClientClosed : status;
        _inner->start(status, std::move(headers));
    }
    bool write(std::string_view bytes) override {
        if (!_inner->write(bytes)) return false;
        _bytes += bodyOf(_status, bytes.size());
        return true;
    }
    void finish() override {
        _inner->finish();
        log(_status, _bytes);
    }
    std::shared_ptr<WebSocketChannel> upgrade(const WebSocketOptions& options,
                                              const HeaderList& headers) override {
        auto channel = _inner->upgrade(options, headers);
        log(channel ? 101 : kClientClosed, 0);
        return channel;
    }

    void detach(DetachCallback callback) override {
        _inner->detach(std::move(callback));
        log(101, 0);  // what the app says on the connection is its own affair
    }

private:
    std::uint64_t bodyOf(int status, std::size_t bytes) const {
        return environ().method() == "HEAD" || status == 204 || status == 304 ? 0 : bytes;
    }

    void log(int status, std::uint64_t bytes) {
        if (_logged.exchange(true)) return;
        AccessLog::Entry entry;
        entry.began = _began;
        entry.took = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - _start);
        entry.status = _status != 0 ? _status : status;
        entry.bytes = _status != 0 ? _bytes : bytes;
        // It may be called by the destructor.
        try {
            if (_options->write)
                _options->write(
                    AccessLog::line(environ(), entry, _options->format, _options->query));
            if (_options->debug && _options->debug->debug()) _options->debug->debug(summary(entry));
        } catch (const std::exception&) {  // no memory for a line: it is left out
        }
    }

    std::string summary(const AccessLog::Entry& entry) const {
        std::string text;
        appendEscaped(text, environ().method(), kLongestName);
        text += ' ';
        appendTarget(text, environ(), _options->query);
        text.append(" ").append(std::to_string(entry.status)).append(" ");
        text.append(std::to_string(entry.bytes)).append(" bytes in ");
        return text.append(std::to_string(entry.took.count() / 1000)).append(" ms");
    }

    const std::shared_ptr<const AccessLogOptions> _options;
    const std::chrono::system_clock::time_point _began;
    const std::chrono::steady_clock::time_point _start;
    int _status = 0;           // of an answer in pieces: its writer
    std::uint64_t _bytes = 0;  // the same
    std::atomic<bool> _logged{false};
};

}  // namespace

AccessLog::AccessLog(std::shared_ptr<App> app, AccessLogOptions options)
    : _app(std::move(app)), _options(std::make_shared<const AccessLogOptions>(std::move(options))) {
    if (!_app) throw Poco::InvalidArgumentException("AccessLog: no app");
}

void AccessLog::begin(const Exchange::Ptr& exchange) {
    if (!_options->write && !(_options->debug && _options->debug->debug()))
        return _app->begin(exchange);
    _app->begin(std::make_shared<LoggedExchange>(exchange, _options));
}

void AccessLog::handle(const Exchange::Ptr& exchange) {
    // Called by a wrapper that took the request to a worker: the app decides where it runs.
    exchange->executor().post(exchange->loop(), [this, exchange] { begin(exchange); });
}

std::string AccessLog::line(const Environ& environ, const Entry& entry, Format format,
                            Query query) {
    if (format == Format::Json) return jsonLine(environ, entry, query);
    std::string out;
    out.reserve(256);
    appendOrDash(out, environ.remoteAddress(), kLongestName);
    out += " - ";
    appendOrDash(out, environ["REMOTE_USER"], kLongestName);
    out += " [";
    appendTime(out, entry.began, false);
    out += "] \"";
    appendOrDash(out, environ.method(), kLongestName);
    out += ' ';
    appendTarget(out, environ, query);
    out += ' ';
    appendOrDash(out, environ["SERVER_PROTOCOL"], kLongestName);
    out.append("\" ").append(std::to_string(entry.status)).append(" ");
    out += entry.bytes == 0 ? "-" : std::to_string(entry.bytes);
    if (format == Format::Combined) {
        out += " \"";
        appendOrDash(out, referer(environ, query), kLongestField);
        out += "\" \"";
        appendOrDash(out, environ["HTTP_USER_AGENT"], kLongestField);
        out += '"';
    }
    out += '\n';
    return out;
}

}  // namespace socketio
