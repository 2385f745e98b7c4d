// What the server program runs in the tests of faults: numbered messages both ways, and handlers
// that do what they should not. What it is to emit, and what it has heard, goes over a socket of
// its own, descriptor 0, a line each; so the checker counts on nothing of what it checks.
//
//     to the server                       what it does
//     emit ROOM TEXT                      ["n",TEXT] to a room, a sid, or * for everybody
//     binary ROOM TEXT                    the same with attachmentOf(TEXT)
//     join SID ROOM                       and that client is in it
//     big ROOM BYTES                      ["big","xxx..."]
//     tell ROOM EVENT                     [EVENT]
//     disconnect SID                      from "/"
//     release                             handlers of `block` go on; those to come do not wait
//     ask NUMBER trim                     `answer NUMBER`, when all before is done and what the
//                                         allocator keeps has been given back
//
//     from the server                     what happened
//     n SID TEXT                          the client sent ["n",TEXT], with the right attachment
//     connect SID, disconnect SID REASON  to a socket of "/"
//     blocked SID                         a handler of `block` waits
//     caught KIND                         a thing of this kind is about to be thrown
//
//     from a client                       the handler
//     echo ARGS...                        acknowledges with ARGS
//     block                               waits for `release`
//     throw KIND                          throws: runtime, int
//     throw later KIND                    asks back; the callback throws
//     n TEXT [ATTACHMENT]                 see above
//
// The handler of connect throws KIND for {"throw":KIND}, that of disconnect for who came with
// {"throw at the end":KIND}. The setting app.mutant spoils what is emitted, for a test of the
// checker: drop N leaves out every Nth, swap N exchanges every Nth with the next, repeat says twice
// what follows an upgrade.
#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <malloc.h>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <tuple>
#include <unistd.h>
#include <utility>

#include <Poco/Exception.h>

#include <socketio/server/Application.h>

#include "support/NumberedAttachment.h"

namespace {

using socketio::Arguments;
using socketio::Binary;
using socketio::Socket;
using socketio::Value;

/// The socket to the test. Threads: say() thread-safe.
class Report {
public:
    void say(const std::string& line) {
        const std::string text = line + "\n";
        const std::lock_guard lock(_mutex);
        for (std::size_t at = 0; at < text.size();) {
            const ssize_t sent = ::send(0, text.data() + at, text.size() - at, MSG_NOSIGNAL);
            if (sent > 0)
                at += static_cast<std::size_t>(sent);
            else if (errno != EINTR)
                return;  // the test has gone
        }
    }

private:
    std::mutex _mutex;
};

/// A door that opens once.
class Door {
public:
    void pass() {
        std::unique_lock lock(_mutex);
        _opened.wait(lock, [this] { return _open; });
    }
    void open() {
        const std::lock_guard lock(_mutex);
        _open = true;
        _opened.notify_all();
    }

private:
    std::mutex _mutex;
    std::condition_variable _opened;
    bool _open = false;
};

struct Message {
    std::string room, text;
    bool binary = false;
};

/// Spoils what is emitted, when it is told to.
class Mutant {
public:
    Mutant() = default;
    explicit Mutant(const std::string& setting) {
        std::istringstream words(setting);
        words >> _kind >> _every;
    }

    /// Calls emit(message) never, once or twice, or with another message in front.
    template <class Emit>
    void pass(const Message& message, const std::string& transport, Emit emit) {
        ++_count;
        const bool due = _every > 0 && _count % _every == 0;
        if (_kind == "drop" && due) return;
        if (_kind == "swap" && due) {
            _held = message;
            return;
        }
        emit(message);
        if (_held && message.room == _held->room) {
            emit(*_held);
            _held.reset();
        }
        if (_kind != "repeat") return;
        std::string& before = _transports[message.room];
        if (before == "polling" && transport == "websocket") emit(message);
        before = transport;
    }
    bool looksAtTransports() const { return _kind == "repeat"; }

private:
    std::string _kind;
    std::size_t _every = 0, _count = 0;
    std::optional<Message> _held;
    std::map<std::string, std::string> _transports;
};

[[noreturn]] void throwWhatIs(const std::string& kind) {
    if (kind == "int") throw 42;
    throw std::runtime_error("thrown on purpose: " + kind);
}

}  // namespace

class FaultApplication : public socketio::Application {
public:
    ~FaultApplication() override {
        ::eventfd_write(_stop, 1);
        _door.open();
        if (_commands.joinable()) _commands.join();
        ::close(_stop);
    }

    void setup(socketio::Server& sio, const socketio::ApplicationSettings& settings) override {
        _sio = &sio;
        if (const auto found = settings.find("mutant"); found != settings.end())
            _mutant = Mutant(found->second);
        sio.on("n", [this](Socket& socket, const Value::Array& arguments) {
            std::string text = arguments.at(0).asString();
            if (arguments.size() > 1)
                text = socketio::test::withAttachment(text, arguments[1].asBinary().bytes);
            _report.say("n " + socket.sid() + " " + text);
        });
        sio.on("echo", [](Socket&, const Value::Array& arguments) {
            return Arguments::fromArray(arguments);
        });
        sio.on("connect", [this](Socket& socket, const socketio::Environ&, const Value& auth) {
            if (auth["throw"].isString()) fail(auth["throw"].asString());
            if (auth["throw at the end"].isString()) socket.saveSession(auth["throw at the end"]);
            _report.say("connect " + socket.sid());
        });
        sio.on("disconnect", [this](Socket& socket, socketio::DisconnectReason reason) {
            _report.say("disconnect " + socket.sid() + " " + std::string(toString(reason)));
            const Value kind = socket.getSession();
            if (kind.isString()) fail(kind.asString());
        });
        sio.on("block", [this](Socket& socket) {
            _report.say("blocked " + socket.sid());
            _door.pass();
        });
        sio.on("throw", [this](Socket&, const std::string& kind) { fail(kind); });
        sio.on("throw later", [this](Socket& socket, const std::string& kind) {
            socket.emit("question", kind, [this, kind](const Value::Array&) { fail(kind); });
        });
        _commands = std::thread([this] { run(); });
    }

private:
    socketio::Server& server() { return *_sio; }

    [[noreturn]] void fail(const std::string& kind) {
        _report.say("caught " + kind);
        throwWhatIs(kind);
    }

    void run() {
        std::string input;
        char buffer[65'536];
        for (;;) {
            pollfd ready[2] = {{0, POLLIN, 0}, {_stop, POLLIN, 0}};
            if (::poll(ready, 2, -1) < 0 && errno != EINTR) return;
            if (ready[1].revents != 0) return;
            const ssize_t size = ::recv(0, buffer, sizeof buffer, MSG_DONTWAIT);
            if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return;
            if (size < 0) continue;
            input.append(buffer, static_cast<std::size_t>(size));
            std::size_t begin = 0;
            for (std::size_t end; (end = input.find('\n', begin)) != input.npos; begin = end + 1)
                follow(input.substr(begin, end - begin));
            input.erase(0, begin);
        }
    }

    void follow(const std::string& line) {
        // Memory may run out on purpose: what is emitted then is lost here, and is not counted as
        // emitted when the test hears of it.
        try {
            command(line);
        } catch (const std::bad_alloc&) {
            _report.say("refused " + line);
        } catch (const Poco::Exception& e) {
            _report.say("failed " + line + ": " + e.displayText());
        }
    }

    void command(const std::string& line) {
        std::istringstream words(line);
        std::string name, first, second;
        words >> name >> first >> second;
        const socketio::EmitOptions to{.room = first == "*" ? socketio::Names() : first};
        if (name == "emit" || name == "binary") {
            const Message message{first, line.substr(name.size() + first.size() + 2),
                                  name == "binary"};
            const auto emit = [this](const Message& each) { emitNumbered(each); };
            _mutant.pass(message, _mutant.looksAtTransports() ? transport(first) : "", emit);
        } else if (name == "join") {
            server().enterRoom(first, second);
        } else if (name == "big") {
            server().emit("big", std::string(std::stoul(second), 'x'), to);
        } else if (name == "tell") {
            server().emit(second, {}, to);
        } else if (name == "disconnect") {
            server().disconnect(first);
        } else if (name == "release") {
            _door.open();
        } else if (name == "ask") {
            if (second == "trim") ::malloc_trim(0);
            _report.say("answer " + first);
        }
    }

    void emitNumbered(const Message& message) {
        const socketio::EmitOptions to{.room =
                                           message.room == "*" ? socketio::Names() : message.room};
        if (message.binary)
            server().emit(
                "n", std::tuple(message.text, Binary(socketio::test::attachmentOf(message.text))),
                to);
        else
            server().emit("n", message.text, to);
    }

    std::string transport(const std::string& sid) {
        try {
            return std::string(server().transport(sid));
        } catch (const Poco::NotFoundException&) {
            return "";
        }
    }

    socketio::Server* _sio = nullptr;
    Report _report;
    Door _door;
    Mutant _mutant;  // of the thread below
    const int _stop = ::eventfd(0, EFD_CLOEXEC);
    std::thread _commands;
};

SOCKETIO_APPLICATION(FaultApplication)
