#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "socketio/base/Clock.h"
#include "socketio/base/Mutex.h"
#include "socketio/socketio.h"

namespace socketio::app {

/// What the demo page www/chat.js talks to: rooms, who is in them, messages, typing notes, images.
///
///     client -> server                        answer (acknowledgement)
///     connect  auth {name?, rooms?}           welcome {you, rooms: [{room, version, members}]}
///     join     room                           {ok, room, version, members}
///     leave    room                           {ok}
///     message  {room, text}                   {ok, time}; to the others: {room, from, text, time}
///     image    {room, caption, type, data}    the same
///     typing   {room, active}                 none; to the others: {room, from, active}
///
///     server -> client
///     rooms    {version, rooms: [{name, people}]}            when anything changed
///     members  {room, version, members, joined?, left?}      to those in the room
///
/// A person is {id, name}; `{ok: false, error}` says why something was refused. What is sent
/// at the same time by two handlers may arrive in either order: the higher version counts.
///
/// Owner:   main(); outlives the front end, as the Server does.
/// Threads: thread-safe, as handlers run on many.
/// Limits:  100 rooms, 20 rooms a person, names of 40 and texts of 2,000 characters.
class ChatDemo {
public:
    /// Registers the handlers.
    explicit ChatDemo(Server& server);

    struct NewMessage {
        std::string room, text;
    };
    struct NewImage {
        std::string room, caption, type;
        Binary data;
    };
    struct Typing {
        std::string room;
        bool active = false;
    };

private:
    struct Person {
        std::uint64_t id = 0;
        std::string name;
        std::vector<std::string> rooms;
        TimePoint since;
    };
    /// What is known of a person who speaks in a room.
    struct Speaker {
        bool present = false;
        Value value;  // {id, name}
    };

    void onConnect(Socket& socket, const Environ& environ, const Value& auth);
    void onDisconnect(Socket& socket, DisconnectReason reason);
    Value onJoin(Socket& socket, const std::string& wanted);
    Value onLeave(Socket& socket, const std::string& room);
    Value onMessage(Socket& socket, const NewMessage& message);
    Value onImage(Socket& socket, NewImage image);
    void onTyping(Socket& socket, const Typing& typing);

    void welcome(Socket& socket, const Person& person, const Value& wantedRooms);
    Person remove(const std::string& sid);
    Value enter(Socket& socket, const std::string& room);
    Speaker speaker(const std::string& sid, const std::string& room) const;
    Value membersOf(const std::string& room) const SOCKETIO_REQUIRES(_mutex);
    Value roomList() SOCKETIO_REQUIRES(_mutex);
    void removeFrom(const std::string& room, const std::string& sid) SOCKETIO_REQUIRES(_mutex);

    Server& _server;
    mutable Mutex _mutex;  // a leaf: nothing is emitted under it
    std::unordered_map<std::string, Person> _people SOCKETIO_GUARDED_BY(_mutex);  // by socket id
    std::map<std::string, std::vector<std::string>> _rooms SOCKETIO_GUARDED_BY(_mutex);
    std::uint64_t _lastId SOCKETIO_GUARDED_BY(_mutex) = 0;
    std::uint64_t _version SOCKETIO_GUARDED_BY(_mutex) = 0;
};

SOCKETIO_FIELDS(ChatDemo::NewMessage, room, text)
SOCKETIO_FIELDS(ChatDemo::NewImage, room, caption, type, data)
SOCKETIO_FIELDS(ChatDemo::Typing, room, active)

/// `text` without blanks around it and with control characters as spaces; empty when nothing is
/// left or it has more than `maxCharacters`.
std::string tidy(std::string_view text, std::size_t maxCharacters);

}  // namespace socketio::app
