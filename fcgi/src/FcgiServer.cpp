#include "socketio/fcgi/FcgiServer.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>

#include "socketio/base/FileDescriptor.h"

#include "FcgiConnection.h"
#include "FcgiServerState.h"

namespace socketio {

namespace {

[[noreturn]] void refuse(const std::string& address, const std::string& why, int error = 0) {
    throw Poco::Net::NetException("cannot listen on " + address, why, error);
}

sockaddr_un localAddress(const std::string& path) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path)
        refuse(path, "the path of a Unix socket has at most " +
                         std::to_string(sizeof address.sun_path - 1) + " bytes");
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

/// Removes a socket that nobody listens on.
void removeStale(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return;  // bind() will tell what is wrong
    if (!S_ISSOCK(status.st_mode)) refuse(path, "a file that is no socket is in the way");
    const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!probe.valid()) refuse(path, std::strerror(errno), errno);
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno == EAGAIN)
        refuse(path, "another server listens there", EADDRINUSE);
    if (errno == ECONNREFUSED) ::unlink(path.c_str());
}

}  // namespace

struct FcgiServer::Impl {
    Impl(std::shared_ptr<Hub> hub, bool hubIsOwn, std::shared_ptr<App> app,
         FcgiServerOptions options)
        : state(std::make_shared<FcgiServerState>(std::move(hub), std::move(app),
                                                  std::move(options))),
          frontEnd("FcgiServer", "socketio.fcgi", state, hubIsOwn,
                   {.listen = [this] { return listen(); },
                    .startApp = [this] { state->app->start(*state->hub); },
                    .stopApp = [this](TimePoint deadline) { return state->app->stop(deadline); },
                    .doorClosed = [this] { removeSocket(); }}) {
        if (!state->app) throw Poco::InvalidArgumentException("FcgiServer: no app");
        const std::string& mount = state->options.mount;
        if (!mount.empty() && (mount.front() != '/' || mount.back() == '/'))
            throw Poco::InvalidArgumentException(
                "FcgiServer: a mount begins with a slash and does not end with one", mount);
    }

    Hub::Listener listen();
    Hub::Listener listenUnix(const std::string& path);
    Hub::Listener listenTcp();
    void removeSocket();

    Connection::Limits connectionLimits() const {
        Connection::Limits limits;
        // Records are read as they come; more piles up only while nothing is read. Output is
        // bounded by what is read: no more than one answer for each request, and while many bytes
        // wait, no further ones.
        limits.maxOutput = std::numeric_limits<std::size_t>::max();
        limits.writeStall = state->options.limits.writeStall;
        return limits;
    }
    Hub::ProtocolFactory factory() const {
        return [server = state] { return std::make_shared<FcgiConnection>(server); };
    }

    const std::shared_ptr<FcgiServerState> state;
    std::string socketPath;  // of the file that is ours to remove
    dev_t socketDevice = 0;
    ino_t socketInode = 0;
    FrontEnd frontEnd;
};

Hub::Listener FcgiServer::Impl::listen() {
    const FcgiServerOptions& options = state->options;
    if (options.inherited) {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        int listens = 0;
        socklen_t size = sizeof listens;
        if (::getsockname(STDIN_FILENO, reinterpret_cast<sockaddr*>(&address), &length) != 0 ||
            ::getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens)
            refuse("descriptor 0", "it is no listening socket");
        return state->hub->listenOn(STDIN_FILENO, connectionLimits(), factory());
    }
    return options.unixSocket.empty() ? listenTcp() : listenUnix(options.unixSocket);
}

Hub::Listener FcgiServer::Impl::listenUnix(const std::string& path) {
    const sockaddr_un address = localAddress(path);
    removeStale(path, address);
    const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.valid()) refuse(path, std::strerror(errno), errno);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        refuse(path, std::strerror(errno), errno);
    // Nobody can connect before it listens.
    struct stat status {};
    if (::chmod(path.c_str(), state->options.unixMode) != 0 ||
        ::lstat(path.c_str(), &status) != 0) {
        const int error = errno;
        ::unlink(path.c_str());
        refuse(path, std::strerror(error), error);
    }
    socketPath = path;
    socketDevice = status.st_dev;
    socketInode = status.st_ino;
    try {
        return state->hub->listenOn(socket.get(), connectionLimits(), factory());
    } catch (...) {
        removeSocket();
        throw;
    }
}

/// Another server may have taken the path over meanwhile; its file stays.
void FcgiServer::Impl::removeSocket() {
    if (socketPath.empty()) return;
    struct stat status {};
    if (::lstat(socketPath.c_str(), &status) == 0 && status.st_dev == socketDevice &&
        status.st_ino == socketInode)
        ::unlink(socketPath.c_str());
    socketPath.clear();
}

Hub::Listener FcgiServer::Impl::listenTcp() {
    const FcgiServerOptions& options = state->options;
    std::optional<Poco::Net::SocketAddress> address;
    try {
        address.emplace(options.host, options.port);
    } catch (const Poco::Exception& e) {
        refuse(options.host + ":" + std::to_string(options.port), e.displayText(), e.code());
    }
    if (!address->host().isLoopback() && !options.allowPublic)
        refuse(address->toString(),
               "FastCGI has no authentication, and this is not the loopback: set allowPublic if "
               "that is wanted");
    return state->hub->listen(*address, connectionLimits(), factory());
}

FcgiServer::FcgiServer(std::shared_ptr<App> app, FcgiServerOptions options) {
    auto hub = std::make_shared<Hub>(options.hub);
    _impl = std::make_unique<Impl>(std::move(hub), true, std::move(app), std::move(options));
}

FcgiServer::FcgiServer(Hub& hub, std::shared_ptr<App> app, FcgiServerOptions options)
    : _impl(std::make_unique<Impl>(std::shared_ptr<Hub>(&hub, [](Hub*) {}), false, std::move(app),
                                   std::move(options))) {}

FcgiServer::~FcgiServer() { stop(); }

void FcgiServer::start() { _impl->frontEnd.start(); }

bool FcgiServer::stop(std::chrono::milliseconds timeout) { return _impl->frontEnd.stop(timeout); }

void FcgiServer::run() { _impl->frontEnd.run(_impl->state->options.stopTimeout); }

Poco::Net::SocketAddress FcgiServer::address() const { return _impl->frontEnd.address(); }

Hub& FcgiServer::hub() const { return *_impl->state->hub; }

const FcgiCounters& FcgiServer::counters() const { return _impl->state->counters; }

}  // namespace socketio
