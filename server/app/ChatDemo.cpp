#include "ChatDemo.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <Poco/Logger.h>

#include "socketio/base/Text.h"
#include "socketio/protocol/EnginePacket.h"

namespace socketio::app {

namespace {

constexpr std::size_t kMaxRooms = 100;
constexpr std::size_t kMaxRoomsEach = 20;
constexpr std::size_t kMaxNameCharacters = 40;
constexpr std::size_t kMaxTextCharacters = 2000;
constexpr const char* kFirstRoom = "lobby";

Poco::Logger& logger() { return Poco::Logger::get("chat"); }

/// The Socket.IO room of a chat room. A socket id is a room, too, and nobody may join that one.
std::string channel(const std::string& room) { return "chat:" + room; }

Value refusal(const char* error) { return {{"ok", false}, {"error", error}}; }

std::int64_t now() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string quoted(std::uint64_t id, const std::string& name) {
    return "#" + std::to_string(id) + " \"" + name + "\"";
}

/// What a browser shows without running anything in it.
bool isShownImage(const std::string& type) {
    return type == "image/png" || type == "image/jpeg" || type == "image/gif" ||
           type == "image/webp";
}

}  // namespace

std::string tidy(std::string_view text, std::size_t maxCharacters) {
    if (text.size() > 8 * maxCharacters || !isValidUtf8(text)) return {};
    std::string out(text);
    for (char& c : out)
        if (isControl(c)) c = ' ';
    const std::size_t first = out.find_first_not_of(' ');
    if (first == out.npos) return {};
    out = out.substr(first, out.find_last_not_of(' ') - first + 1);
    const auto characters = std::count_if(out.begin(), out.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    });
    return static_cast<std::size_t>(characters) <= maxCharacters ? out : std::string();
}

ChatDemo::ChatDemo(Server& server) : _server(server) {
    server.on("connect", [this](Socket& socket, const Environ& environ, const Value& auth) {
        onConnect(socket, environ, auth);
    });
    server.on("disconnect",
              [this](Socket& socket, DisconnectReason reason) { onDisconnect(socket, reason); });
    server.on("join",
              [this](Socket& socket, const std::string& room) { return onJoin(socket, room); });
    server.on("leave",
              [this](Socket& socket, const std::string& room) { return onLeave(socket, room); });
    server.on("message", [this](Socket& socket, const NewMessage& message) {
        return onMessage(socket, message);
    });
    server.on("image",
              [this](Socket& socket, NewImage image) { return onImage(socket, std::move(image)); });
    server.on("typing", [this](Socket& socket, const Typing& typing) { onTyping(socket, typing); });
}

void ChatDemo::onConnect(Socket& socket, const Environ& environ, const Value& auth) {
    Person person;
    person.since = Clock::system().now();
    // Clients of Socket.IO 2 have no auth; their query says the same.
    const std::string wanted =
        auth.has("name") ? auth["name"].asString() : environ.queryParameter("name");
    person.name = tidy(wanted, kMaxNameCharacters);
    if (person.name.empty() && !wanted.empty())
        throw ConnectionRefused("A name has 1 to 40 characters.");
    {
        MutexLock lock(_mutex);
        person.id = ++_lastId;
        if (person.name.empty()) person.name = "guest " + std::to_string(person.id);
        _people[socket.sid()] = person;
    }
    logger().information("connect " + quoted(person.id, person.name) + " from " +
                         std::string(environ.remoteAddress()) + " over " +
                         std::string(socket.transport()));
    try {
        welcome(socket, person, auth["rooms"]);
    } catch (...) {
        // It is gone already, and a client that was not accepted has no disconnect event.
        remove(socket.sid());
        throw;
    }
}

void ChatDemo::welcome(Socket& socket, const Person& person, const Value& wantedRooms) {
    // A client that comes back says which rooms it was in.
    Value entered = Value::array();
    const auto tryRoom = [&](const std::string& room) {
        Value reply = enter(socket, room);
        if (reply["ok"].asBool()) entered.push(std::move(reply));
    };
    for (const Value& room : wantedRooms.asArray()) {
        if (entered.size() == kMaxRoomsEach) break;
        tryRoom(tidy(room.asString(), kMaxNameCharacters));
    }
    if (entered.empty()) tryRoom(kFirstRoom);
    socket.emit("welcome", Value{{"you", {{"id", person.id}, {"name", person.name}}},
                                 {"rooms", std::move(entered)}});
    Value list;
    {
        MutexLock lock(_mutex);
        list = roomList();
    }
    socket.emit("rooms", std::move(list));
}

void ChatDemo::onDisconnect(Socket& socket, DisconnectReason reason) {
    const Person person = remove(socket.sid());
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(Clock::system().now() - person.since);
    logger().information("disconnect " + quoted(person.id, person.name) + ": " +
                         std::string(toString(reason)) + ", after " +
                         std::to_string(seconds.count()) + " s");
}

/// Forgets a person and tells the others.
ChatDemo::Person ChatDemo::remove(const std::string& sid) {
    Person person;
    std::vector<std::pair<std::string, Value>> news;
    Value list;
    {
        MutexLock lock(_mutex);
        const auto found = _people.find(sid);
        if (found == _people.end()) return person;
        person = std::move(found->second);
        _people.erase(found);
        for (const std::string& room : person.rooms) {
            removeFrom(room, sid);
            Value members = membersOf(room);
            members["left"] = Value{{"id", person.id}, {"name", person.name}};
            news.emplace_back(room, std::move(members));
        }
        list = roomList();
    }
    for (auto& [room, members] : news)
        _server.emit("members", std::move(members), {.room = channel(room)});
    _server.emit("rooms", std::move(list));
    return person;
}

/// Puts a person into a room and tells the others.
Value ChatDemo::enter(Socket& socket, const std::string& room) {
    if (room.empty()) return refusal("a room's name has 1 to 40 characters");
    Value reply, news, list, me;
    {
        MutexLock lock(_mutex);
        const auto person = _people.find(socket.sid());
        if (person == _people.end()) return refusal("not connected");
        std::vector<std::string>& rooms = person->second.rooms;
        const bool already = std::find(rooms.begin(), rooms.end(), room) != rooms.end();
        if (!already) {
            if (rooms.size() >= kMaxRoomsEach) return refusal("you are in too many rooms");
            if (_rooms.size() >= kMaxRooms && !_rooms.count(room))
                return refusal("there are too many rooms");
            rooms.push_back(room);
            _rooms[room].push_back(socket.sid());
        }
        reply = membersOf(room);
        if (!already) {
            news = reply;
            news["joined"] = Value{{"id", person->second.id}, {"name", person->second.name}};
            list = roomList();
        }
    }
    if (!news.isNull()) {
        socket.join(channel(room));
        _server.emit("members", std::move(news), {.room = channel(room), .skipSid = socket.sid()});
        _server.emit("rooms", std::move(list));
    }
    reply["ok"] = true;
    return reply;
}

Value ChatDemo::onJoin(Socket& socket, const std::string& wanted) {
    return enter(socket, tidy(wanted, kMaxNameCharacters));
}

Value ChatDemo::onLeave(Socket& socket, const std::string& room) {
    Value news, list;
    {
        MutexLock lock(_mutex);
        const auto person = _people.find(socket.sid());
        if (person == _people.end() || std::erase(person->second.rooms, room) == 0)
            return refusal("you are not in this room");
        removeFrom(room, socket.sid());
        news = membersOf(room);
        news["left"] = Value{{"id", person->second.id}, {"name", person->second.name}};
        list = roomList();
    }
    socket.leave(channel(room));
    _server.emit("members", std::move(news), {.room = channel(room)});
    _server.emit("rooms", std::move(list));
    return {{"ok", true}};
}

Value ChatDemo::onMessage(Socket& socket, const NewMessage& message) {
    const Speaker from = speaker(socket.sid(), message.room);
    if (!from.present) return refusal("you are not in this room");
    const std::string text = tidy(message.text, kMaxTextCharacters);
    if (text.empty()) return refusal("a message has 1 to 2,000 characters");
    const std::int64_t time = now();
    _server.emit(
        "message",
        Value{{"room", message.room}, {"from", from.value}, {"text", text}, {"time", time}},
        {.room = channel(message.room), .skipSid = socket.sid()});
    return {{"ok", true}, {"time", time}};
}

Value ChatDemo::onImage(Socket& socket, NewImage image) {
    const Speaker from = speaker(socket.sid(), image.room);
    if (!from.present) return refusal("you are not in this room");
    if (!isShownImage(image.type)) return refusal("not an image that can be shown");
    const std::int64_t time = now();
    const std::string room = channel(image.room);
    _server.emit("image",
                 Value{{"room", std::move(image.room)},
                       {"from", from.value},
                       {"caption", tidy(image.caption, 2 * kMaxNameCharacters)},
                       {"type", std::move(image.type)},
                       {"data", std::move(image.data)},
                       {"time", time}},
                 {.room = room, .skipSid = socket.sid()});
    return {{"ok", true}, {"time", time}};
}

void ChatDemo::onTyping(Socket& socket, const Typing& typing) {
    const Speaker from = speaker(socket.sid(), typing.room);
    if (!from.present) return;
    _server.emit("typing",
                 Value{{"room", typing.room}, {"from", from.value}, {"active", typing.active}},
                 {.room = channel(typing.room), .skipSid = socket.sid()});
}

ChatDemo::Speaker ChatDemo::speaker(const std::string& sid, const std::string& room) const {
    MutexLock lock(_mutex);
    const auto found = _people.find(sid);
    if (found == _people.end()) return {};
    const Person& person = found->second;
    const bool present =
        std::find(person.rooms.begin(), person.rooms.end(), room) != person.rooms.end();
    return {present, Value{{"id", person.id}, {"name", person.name}}};
}

Value ChatDemo::membersOf(const std::string& room) const {
    Value members = Value::array();
    const auto found = _rooms.find(room);
    if (found != _rooms.end())
        for (const std::string& sid : found->second) {
            const Person& person = _people.at(sid);
            members.push(Value{{"id", person.id}, {"name", person.name}});
        }
    return {{"room", room}, {"version", _version}, {"members", std::move(members)}};
}

/// Numbers the state that the list and every membersOf() before the next change describe.
Value ChatDemo::roomList() {
    Value rooms = Value::array();
    for (const auto& [name, sids] : _rooms)
        rooms.push(Value{{"name", name}, {"people", sids.size()}});
    return {{"version", ++_version}, {"rooms", std::move(rooms)}};
}

void ChatDemo::removeFrom(const std::string& room, const std::string& sid) {
    const auto found = _rooms.find(room);
    if (found == _rooms.end()) return;
    std::erase(found->second, sid);
    if (found->second.empty()) _rooms.erase(found);
}

}  // namespace socketio::app
