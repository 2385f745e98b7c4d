#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "socketio/base/Clock.h"
#include "socketio/base/Mutex.h"

#include "support/ChildProgram.h"
#include "support/NumberedMessages.h"
#include "support/TlsClient.h"

namespace socketio::test {

/// What a process holds; of a FaultServer while it has no clients, to be compared.
struct Footprint {
    std::size_t descriptors = 0, threads = 0, residentBytes = 0;
};

/// The server program as a child process, with the application of FaultApplication.cpp in it, so
/// that limits, signals and preloaded libraries hit it alone. It listens for HTTP, HTTPS and
/// FastCGI, writes its log to a file, and keeps a fixed number of workers, so that threads can be
/// counted.
///
/// Threads: thread-safe but for construction and stop().
/// Errors:  std::runtime_error when it does not do what it is asked to in time.
class FaultServer {
public:
    struct Options {
        std::vector<std::string> settings{};     ///< "engine.pingInterval=1000"
        std::vector<std::string> limits{};       ///< Of prlimit: "--nofile=256"
        std::vector<std::string> environment{};  ///< "LD_PRELOAD=..."
        std::string logFile{};                   ///< Empty: one of its own, see log().
    };

    FaultServer() : FaultServer(Options()) {}
    explicit FaultServer(const Options& options);
    ~FaultServer();
    FaultServer(const FaultServer&) = delete;
    FaultServer& operator=(const FaultServer&) = delete;

    std::uint16_t port() const { return _port; }
    std::uint16_t tlsPort() const { return _tlsPort; }
    std::uint16_t fastCgiPort() const { return _fastCgiPort; }
    const TestCertificates& certificates() const { return _certificates; }
    pid_t pid() const { return _program->pid(); }

    /// Is told of what clients send with "n", by one thread; null: nobody is.
    using Listener = std::function<void(std::string_view text)>;
    void reportTo(Listener listener);
    /// As heard by this receiver.
    void reportTo(NumberedMessages& messages, NumberedMessages::Receiver receiver) {
        reportTo(
            [&messages, receiver](std::string_view text) { messages.received(receiver, text); });
    }

    /// See FaultApplication.cpp.
    void command(const std::string& line);
    /// Emits a numbered message to a room, a sid, or * for everybody.
    void emit(const std::string& room, const std::string& text, bool binary = false) {
        command((binary ? "binary " : "emit ") + room + " " + text);
    }

    /// Of sockets of "/" that have connected and not disconnected.
    std::size_t connected() const;
    std::uint64_t connects() const;
    /// Why the socket was disconnected; empty as long as it was not.
    std::string reasonOf(const std::string& sid) const;
    std::uint64_t disconnects(const std::string& reason) const;  ///< "": of any reason.
    std::uint64_t disconnectedTwice() const;                     ///< What must not be.
    /// Waits until it says so; false when it does not in time.
    bool waitUntil(const std::function<bool()>& condition, Duration time) const;
    /// How often it said a line that begins like this, other than n, connect and disconnect.
    std::size_t said(const std::string& beginning) const;

    /// When it has done all that it was told, and has given back the memory that it can.
    Footprint footprint();
    /// As it is at this moment.
    Footprint footprintNow() const;
    /// Waits until it holds no more than `base`, but for `mayKeepBytes` of memory. What is too
    /// much otherwise, in words.
    std::string leftOver(const Footprint& base, std::size_t mayKeepBytes = 8 << 20);

    void signal(int number) { _program->signal(number); }
    /// SIGTERM; its exit status.
    int stop();
    bool runs() const;
    std::string log() const;

private:
    void read();
    void take(std::string_view line);

    class Folder;
    std::unique_ptr<Folder> _folder;
    TestCertificates _certificates;
    std::string _logFile;
    int _socket = -1;
    std::unique_ptr<ChildProgram> _program;
    std::uint16_t _port = 0, _tlsPort = 0, _fastCgiPort = 0;

    Mutex _sending, _listening;
    mutable Mutex _mutex;
    mutable Condition _changed;
    Listener _listener SOCKETIO_GUARDED_BY(_listening);
    std::uint64_t _connects SOCKETIO_GUARDED_BY(_mutex) = 0;
    std::map<std::string, std::string> _reasons SOCKETIO_GUARDED_BY(_mutex);  // by sid
    std::map<std::string, std::uint64_t> _disconnects SOCKETIO_GUARDED_BY(_mutex);
    std::vector<std::string> _said SOCKETIO_GUARDED_BY(_mutex);
    std::uint64_t _twice SOCKETIO_GUARDED_BY(_mutex) = 0;
    unsigned _asked SOCKETIO_GUARDED_BY(_mutex) = 0;
    std::thread _thread;
};

/// Of a test's count or time: what the environment says, or the short form's.
std::size_t fromEnvironment(const char* name, std::size_t otherwise);

}  // namespace socketio::test
