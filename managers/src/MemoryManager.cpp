#include "socketio/managers/MemoryManager.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <unordered_map>
#include <utility>

#include <Poco/Exception.h>

namespace socketio {

namespace {

// Tables are searched with string_views, without making a string.
struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>()(text);
    }
};
template <class Item>
using Table = std::unordered_map<std::string, Item, Hash, std::equal_to<>>;

}  // namespace

namespace {

/// Makes room for one more: what follows cannot fail.
template <class Item>
void grow(std::vector<Item>& items) {
    if (items.size() == items.capacity()) items.reserve(std::max<std::size_t>(1, 2 * items.size()));
}

}  // namespace

struct MemoryManager::Room {
    const std::string* name = nullptr;  // the key of its table
    std::vector<Member*> members;
};

/// One socket. What it is in is a short list, searched from the front: most sockets are in a
/// handful of rooms, and a list costs nothing while the socket is in none but its own. Beside a
/// long list there is a table of where each room stands; a room that is left leaves a gap then.
struct MemoryManager::Member {
    struct Membership {
        Room* room;         // null: the room of its own id
        std::size_t index;  // where it stands in room->members; kGap: left
    };
    using Position = std::vector<Membership>::iterator;
    static constexpr std::size_t kGap = ~std::size_t{0};
    static constexpr std::size_t kShort = 16;  // rooms that are searched one by one

    LocalSocketPtr socket;
    std::vector<Membership> rooms;
    std::size_t index = 0;            // where it stands in Namespace::order
    mutable std::uint64_t round = 0;  // the last collection that took or skipped it
    bool ownRoom = true;              // it is the first room, or stands in `rooms` as null
    bool ownRoomListed = false;
    bool disconnecting = false;

    std::unique_ptr<std::unordered_map<const Room*, std::size_t>> places;  // null: a short list
    std::size_t gaps = 0;                                                  // only with places

    Position find(const Room* room) {
        if (places) {
            const auto found = places->find(room);
            return found == places->end()
                       ? rooms.end()
                       : rooms.begin() + static_cast<std::ptrdiff_t>(found->second);
        }
        return std::find_if(rooms.begin(), rooms.end(),
                            [room](const Membership& m) { return m.room == room; });
    }

    // As if it had not been called, when it throws.
    void add(Room* room, std::size_t at) {
        grow(rooms);
        if (places) places->emplace(room, rooms.size());
        rooms.push_back({room, at});
        if (!places && rooms.size() > kShort) tidy();
    }

    void drop(Position membership) {
        if (!places) {
            rooms.erase(membership);
            return;
        }
        places->erase(membership->room);
        membership->index = kGap;
        ++gaps;
        for (; !rooms.empty() && rooms.back().index == kGap; --gaps) rooms.pop_back();
        if (gaps > rooms.size() / 2 || rooms.size() <= kShort / 2) tidy();
    }

    // Closes the gaps, and has the table when the list is long.
    void tidy() {
        std::erase_if(rooms, [](const Membership& m) { return m.index == kGap; });
        gaps = 0;
        places.reset();
        if (rooms.size() <= kShort) return;
        try {
            auto table = std::make_unique<std::unordered_map<const Room*, std::size_t>>();
            table->reserve(rooms.size());
            for (std::size_t i = 0; i < rooms.size(); ++i) table->emplace(rooms[i].room, i);
            places = std::move(table);
        } catch (const std::bad_alloc&) {
            // It does without: the list is searched.
        }
    }
};

struct MemoryManager::Namespace {
    // The key is the sid inside the socket, which the entry keeps alive.
    std::unordered_map<std::string_view, Member> members;
    std::vector<Member*> order;  // the same, to be walked quickly
    Table<Room> rooms;

    Member* member(std::string_view sid) {
        const auto found = members.find(sid);
        return found == members.end() ? nullptr : &found->second;
    }
    Room* room(std::string_view name) {
        const auto found = rooms.find(name);
        return found == rooms.end() ? nullptr : &found->second;
    }

    void leave(Member& member, Member::Position membership) {
        Room* room = membership->room;
        const std::size_t index = membership->index;
        member.drop(membership);
        if (!room) {
            member.ownRoom = member.ownRoomListed = false;
            return;
        }
        Member* last = room->members.back();
        room->members.pop_back();
        if (last != &member) {
            room->members[index] = last;
            last->find(room)->index = index;
        }
        if (room->members.empty()) rooms.erase(rooms.find(*room->name));
    }

    void leaveOwnRoom(Member& member) {
        if (member.ownRoomListed)
            leave(member, member.find(nullptr));
        else
            member.ownRoom = false;
    }

    void remove(Member& member) {
        while (!member.rooms.empty()) leave(member, std::prev(member.rooms.end()));
        Member* last = order.back();
        order.pop_back();
        if (last != &member) {
            order[member.index] = last;
            last->index = member.index;
        }
        members.erase(members.find(member.socket->sid()));
    }
};

struct MemoryManager::Tables {
    Table<Namespace> namespaces;
    std::uint64_t round = 0;  // counts collections of recipients
};

MemoryManager::MemoryManager() : _tables(std::make_unique<Tables>()) {}
MemoryManager::~MemoryManager() = default;

MemoryManager::Namespace* MemoryManager::findNamespace(std::string_view nsp) const {
    const auto found = _tables->namespaces.find(nsp);
    return found == _tables->namespaces.end() ? nullptr : &found->second;
}

MemoryManager::Member* MemoryManager::findMember(std::string_view sid, std::string_view nsp) const {
    Namespace* space = findNamespace(nsp);
    return space ? space->member(sid) : nullptr;
}

void MemoryManager::connect(const LocalSocketPtr& socket) {
    LocalSocketPtr replaced;  // destroyed after the lock is gone
    MutexLock lock(_mutex);
    Namespace& space = _tables->namespaces.try_emplace(socket->nsp()).first->second;
    if (Member* old = space.member(socket->sid())) {
        replaced = old->socket;
        space.remove(*old);
    }
    grow(space.order);
    Member& member = space.members[socket->sid()];
    member.socket = socket;
    member.index = space.order.size();
    space.order.push_back(&member);
}

bool MemoryManager::isConnected(std::string_view sid, std::string_view nsp) const {
    MutexLock lock(_mutex);
    const Member* member = findMember(sid, nsp);
    return member && !member->disconnecting;
}

void MemoryManager::preDisconnect(std::string_view sid, std::string_view nsp) {
    MutexLock lock(_mutex);
    if (Member* member = findMember(sid, nsp)) member->disconnecting = true;
}

void MemoryManager::disconnect(std::string_view sid, std::string_view nsp) {
    LocalSocketPtr removed;  // destroyed after the lock is gone
    MutexLock lock(_mutex);
    const auto space = _tables->namespaces.find(nsp);
    if (space == _tables->namespaces.end()) return;
    Member* member = space->second.member(sid);
    if (!member) return;
    removed = member->socket;
    space->second.remove(*member);
    if (space->second.members.empty()) _tables->namespaces.erase(space);
}

void MemoryManager::enterRoom(std::string_view sid, std::string_view nsp, std::string_view room) {
    MutexLock lock(_mutex);
    Namespace* space = findNamespace(nsp);
    Member* member = space ? space->member(sid) : nullptr;
    if (!member) {
        lock.unlock();
        throw Poco::NotFoundException("no socket " + std::string(sid) + " is connected in " +
                                      std::string(nsp));
    }
    if (room == sid) {
        if (member->ownRoom) return;
        member->add(nullptr, 0);
        member->ownRoom = member->ownRoomListed = true;
        return;
    }
    Room* entered = space->room(room);
    if (!entered) {
        const auto made = space->rooms.try_emplace(std::string(room)).first;
        entered = &made->second;
        entered->name = &made->first;
    } else if (member->find(entered) != member->rooms.end()) {
        return;
    }
    try {
        grow(entered->members);
        member->add(entered, entered->members.size());
    } catch (...) {
        if (entered->members.empty()) space->rooms.erase(space->rooms.find(room));
        throw;
    }
    entered->members.push_back(member);
}

void MemoryManager::leaveRoom(std::string_view sid, std::string_view nsp, std::string_view room) {
    MutexLock lock(_mutex);
    Namespace* space = findNamespace(nsp);
    Member* member = space ? space->member(sid) : nullptr;
    if (!member) return;
    if (room == sid) {
        if (member->ownRoom) space->leaveOwnRoom(*member);
        return;
    }
    const Room* left = space->room(room);
    if (!left) return;
    const auto membership = member->find(left);
    if (membership != member->rooms.end()) space->leave(*member, membership);
}

void MemoryManager::closeRoom(std::string_view room, std::string_view nsp) {
    MutexLock lock(_mutex);
    Namespace* space = findNamespace(nsp);
    if (!space) return;
    if (Member* owner = space->member(room); owner && owner->ownRoom) space->leaveOwnRoom(*owner);
    const auto found = space->rooms.find(room);
    if (found == space->rooms.end()) return;
    for (Member* member : found->second.members) member->drop(member->find(&found->second));
    space->rooms.erase(found);
}

std::vector<std::string> MemoryManager::getRooms(std::string_view sid, std::string_view nsp) const {
    std::vector<std::string> rooms;
    MutexLock lock(_mutex);
    const Member* member = findMember(sid, nsp);
    if (!member) return rooms;
    rooms.reserve(member->rooms.size() + 1);
    if (member->ownRoom && !member->ownRoomListed) rooms.push_back(member->socket->sid());
    for (const Member::Membership& each : member->rooms)
        if (each.index != Member::kGap)
            rooms.push_back(each.room ? *each.room->name : member->socket->sid());
    return rooms;
}

std::vector<std::string> MemoryManager::getNamespaces() const {
    std::vector<std::string> names;
    MutexLock lock(_mutex);
    names.reserve(_tables->namespaces.size());
    for (const auto& [name, space] : _tables->namespaces) names.push_back(name);
    return names;
}

std::vector<LocalSocketPtr> MemoryManager::getParticipants(std::string_view nsp,
                                                           std::string_view room) const {
    EmitTarget target;
    if (!room.empty()) target.rooms.emplace_back(room);
    return recipients(nsp, target);
}

LocalSocketPtr MemoryManager::find(std::string_view sid, std::string_view nsp) const {
    MutexLock lock(_mutex);
    const Member* member = findMember(sid, nsp);
    return member ? member->socket : nullptr;
}

std::vector<LocalSocketPtr> MemoryManager::recipients(std::string_view nsp,
                                                      const EmitTarget& target) const {
    std::vector<LocalSocketPtr> result;
    MutexLock lock(_mutex);
    Namespace* space = findNamespace(nsp);
    if (!space) return result;

    const std::uint64_t round = ++_tables->round;
    for (const std::string& sid : target.skipSids)
        if (const Member* member = space->member(sid)) member->round = round;
    const auto take = [&result, round](const Member& member) {
        if (std::exchange(member.round, round) != round) result.push_back(member.socket);
    };

    if (target.rooms.empty()) {
        result.reserve(space->order.size());
        for (const Member* member : space->order) take(*member);
        return result;
    }
    for (const std::string& name : target.rooms) {
        if (const Member* owner = space->member(name); owner && owner->ownRoom) take(*owner);
        if (const Room* room = space->room(name)) {
            result.reserve(result.size() + room->members.size());
            for (const Member* member : room->members) take(*member);
        }
    }
    return result;
}

void MemoryManager::emitTo(const std::string& nsp, const Value& data, const EmitTarget& target,
                           const AckCallback& callback) {
    PacketSink* to = sink();
    if (!to) return;
    std::vector<LocalSocketPtr> sockets = recipients(nsp, target);
    if (!sockets.empty()) to->deliver(std::move(sockets), nsp, data, callback);
}

void MemoryManager::triggerCallback(const LocalSocketPtr& socket, std::uint64_t id,
                                    Value::Array arguments) {
    if (PacketSink* to = sink()) to->acknowledge(socket, id, std::move(arguments));
}

void MemoryManager::disconnectSocket(std::string_view sid, std::string_view nsp,
                                     bool /*ignoreQueue*/) {
    PacketSink* to = sink();
    if (!to) return;
    LocalSocketPtr socket;
    {
        MutexLock lock(_mutex);
        const Member* member = findMember(sid, nsp);
        if (member && !member->disconnecting) socket = member->socket;
    }
    if (socket) to->disconnect(socket);
}

}  // namespace socketio
