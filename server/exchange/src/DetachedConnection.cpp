#include "socketio/exchange/DetachedConnection.h"

#include <unistd.h>

namespace socketio {

DetachedConnection::~DetachedConnection() {
    if (_descriptor >= 0) ::close(_descriptor);
}

DetachedConnection& DetachedConnection::operator=(DetachedConnection&& other) noexcept {
    std::swap(_descriptor, other._descriptor);  // ours is closed with `other`
    input = std::move(other.input);
    relayed = other.relayed;
    addresses = std::move(other.addresses);
    return *this;
}

}  // namespace socketio
