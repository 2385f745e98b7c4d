#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socketio {

/// Header fields in the order in which they are sent.
///
/// Errors: a name or a value that could not stand in a header (control characters, CR, LF, a name
///         that is no token) is refused: add() returns false and the field is left out.
class HeaderList {
public:
    struct Field {
        std::string name, value;
    };

    HeaderList() = default;
    HeaderList(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);

    bool add(std::string_view name, std::string_view value);
    /// Replaces every field of that name, in any case.
    bool set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    /// The first value, or an empty view.
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;

    auto begin() const { return _fields.begin(); }
    auto end() const { return _fields.end(); }
    bool empty() const { return _fields.empty(); }
    std::size_t size() const { return _fields.size(); }

private:
    std::vector<Field> _fields;
};

/// A complete answer. The front end adds the reason phrase, Content-Length, Date, and Connection
/// where needed.
struct Response {
    int status = 200;
    HeaderList headers;
    std::string body;

    static Response text(int status, std::string_view body);  ///< text/plain; charset=utf-8
    static Response json(int status, std::string_view body);  ///< application/json
    static Response notFound();                               ///< 404 "Not Found", text/plain
    /// What a front end says itself about a request that no app sees.
    static Response refusal(int status);
};

/// The standard phrase of a status: 404 -> "Not Found".
std::string_view reasonPhrase(int status);

}  // namespace socketio
