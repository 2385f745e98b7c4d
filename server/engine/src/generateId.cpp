#include <cerrno>
#include <sys/random.h>

#include <Poco/Exception.h>

#include "socketio/engine/EngineServer.h"

namespace socketio {

std::string generateId() {
    constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // Straight from the kernel each time: nothing is kept that a fork could duplicate.
    unsigned char random[15];
    for (std::size_t filled = 0; filled < sizeof random;) {
        const ssize_t got = ::getrandom(random + filled, sizeof random - filled, 0);
        if (got < 0) {
            if (errno == EINTR) continue;
            throw Poco::SystemException("no random bytes from the kernel", errno);
        }
        filled += static_cast<std::size_t>(got);
    }
    std::string id;
    id.reserve(20);
    for (std::size_t i = 0; i < sizeof random; i += 3) {
        const unsigned bits = random[i] << 16u | random[i + 1] << 8u | random[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) id += kAlphabet[bits >> shift & 63u];
    }
    return id;
}

}  // namespace socketio
