#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace socketio {

/// The variables of one request under their CGI names (RFC 3875), whatever front end it came
/// through: REQUEST_METHOD, SCRIPT_NAME, PATH_INFO (percent-decoded), QUERY_STRING, REQUEST_URI,
/// SERVER_NAME, SERVER_ADDR, SERVER_PORT, SERVER_PROTOCOL, REMOTE_ADDR, REMOTE_PORT, HTTPS ("on" or
/// absent), CONTENT_TYPE, CONTENT_LENGTH, GATEWAY_INTERFACE, and HTTP_* for every other header.
///
/// Header names with `_` and the header `Proxy` never get in (they would collide with other
/// names or with HTTP_PROXY). Values hold no NUL, CR or LF.
///
/// Kept as one flat block: a session may keep it for its whole life.
/// Owner:   the Exchange while the request is answered, then whoever holds the shared_ptr.
/// Threads: thread-compatible while it is filled, shared as const afterwards.
class Environ {
public:
    Environ() = default;

    /// Sets a variable; one that is there already is replaced. A value that holds NUL, CR or LF
    /// does not get in, nor does a name that is empty or longer than 65,535 bytes.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);

    /// Adds a request header under its HTTP_* (or CONTENT_*) name. A repeated header is joined:
    /// `Cookie` with "; ", others with ",". False, and nothing added, for a name or a value that
    /// must not get in.
    bool addHeader(std::string_view name, std::string_view value);
    /// The same under the name of a variable, HTTP_*, as a web server gives it.
    bool addVariable(std::string_view variable, std::string_view value);

    /// The value, or an empty view.
    std::string_view get(std::string_view name) const;
    std::string_view operator[](std::string_view name) const { return get(name); }
    bool has(std::string_view name) const;

    /// A request header by its HTTP name, in any case: header("user-agent").
    std::string_view header(std::string_view name) const;

    std::string_view method() const { return get("REQUEST_METHOD"); }
    std::string_view path() const { return get("PATH_INFO"); }
    std::string_view query() const { return get("QUERY_STRING"); }
    std::string_view remoteAddress() const { return get("REMOTE_ADDR"); }
    bool secure() const { return get("HTTPS") == "on"; }

    /// The last value of a query parameter, percent-decoded; empty when absent.
    std::string queryParameter(std::string_view name) const;

    /// Calls `visit(name, value)` for every variable in the order of insertion.
    template <class Visitor>
    void forEach(Visitor&& visit) const {
        for (std::size_t at = 0; at < _block.size();) {
            const Entry entry = entryAt(at);
            visit(entry.name, entry.value);
            at = entry.end;
        }
    }

    std::size_t bytes() const { return _block.capacity(); }
    /// Gives back room that was reserved for more variables.
    void shrink() { _block.shrink_to_fit(); }
    void reserve(std::size_t bytes) { _block.reserve(bytes); }

private:
    struct Entry {
        std::string_view name, value;
        std::size_t end = 0;
    };
    Entry entryAt(std::size_t at) const;
    Entry find(std::string_view name) const;
    static std::uint64_t traceOf(std::string_view name);
    void append(std::string_view name, std::string_view value);

    // Repeated: 2 bytes length of the name, 4 bytes length of the value, name, value.
    std::string _block;
    // The traces of all names that have been in the block: one that left none is not looked for.
    std::uint64_t _traces = 0;
};

}  // namespace socketio
