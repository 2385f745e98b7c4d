#include "HandlerTable.h"

#include <utility>

namespace socketio {

const HandlerTable::Entries* HandlerTable::find(std::string_view nsp) const {
    const auto found = _namespaces.find(nsp);
    return found == _namespaces.end() ? nullptr : found->second.get();
}

std::shared_ptr<HandlerTable> HandlerTable::changed(const std::string& nsp,
                                                    Entries*& entries) const {
    const auto table = std::make_shared<HandlerTable>(*this);  // shares what stays as it is
    const bool any = nsp == "*";
    const Entries* old = any ? _any.get() : find(nsp);
    const auto fresh = old ? std::make_shared<Entries>(*old) : std::make_shared<Entries>();
    entries = fresh.get();
    if (any)
        table->_any = fresh;
    else
        table->_namespaces[nsp] = fresh;
    return table;
}

std::shared_ptr<const HandlerTable> HandlerTable::with(std::string_view nsp, std::string_view event,
                                                       HandlerPtr handler) const {
    Entries* entries = nullptr;
    auto table = changed(std::string(nsp), entries);
    entries->events.insert_or_assign(std::string(event), std::move(handler));
    return table;
}

std::shared_ptr<const HandlerTable> HandlerTable::with(
    const std::shared_ptr<Namespace>& object) const {
    Entries* entries = nullptr;
    auto table = changed(object->nsp(), entries);
    entries->object = object;
    return table;
}

HandlerResult HandlerTable::dispatch(std::string_view nsp, IncomingEvent& event) const {
    const bool catchAll = event.name != "connect" && event.name != "disconnect";
    const Entries* own = find(nsp);

    for (const Entries* entries : {own, _any.get()}) {
        if (!entries || entries->events.empty()) continue;
        auto found = entries->events.find(event.name);
        if (found == entries->events.end() && catchAll) found = entries->events.find("*");
        if (found != entries->events.end()) return found->second->call(event);
    }
    for (const Entries* entries : {own, _any.get()})
        if (entries && entries->object) return entries->object->triggerEvent(event);
    return HandlerResult::unhandled();
}

}  // namespace socketio
