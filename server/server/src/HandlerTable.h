#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "socketio/server/Handler.h"
#include "socketio/server/Namespace.h"

namespace socketio {

/// What is registered for which event. A table never changes: registering makes a new one.
///
/// Owner:   ServerCore, and every client that is between two events, by shared_ptr.
/// Threads: immutable.
class HandlerTable {
public:
    /// The same, with a handler more.
    std::shared_ptr<const HandlerTable> with(std::string_view nsp, std::string_view event,
                                             HandlerPtr handler) const;
    std::shared_ptr<const HandlerTable> with(const std::shared_ptr<Namespace>& object) const;

    /// True when something is registered for exactly this namespace.
    bool knows(std::string_view nsp) const { return find(nsp) != nullptr; }

    /// Calls the handler of an event. "connect" and "disconnect" never reach a "*" event handler.
    HandlerResult dispatch(std::string_view nsp, IncomingEvent& event) const;

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>()(text);
        }
    };
    template <class Item>
    using Table = std::unordered_map<std::string, Item, Hash, std::equal_to<>>;

    struct Entries {
        Table<HandlerPtr> events;
        std::shared_ptr<Namespace> object;
    };

    const Entries* find(std::string_view nsp) const;
    std::shared_ptr<HandlerTable> changed(const std::string& nsp, Entries*& entries) const;

    Table<std::shared_ptr<const Entries>> _namespaces;
    std::shared_ptr<const Entries> _any;  // of namespace "*"
};

}  // namespace socketio
