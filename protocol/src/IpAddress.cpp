#include "socketio/protocol/IpAddress.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>

namespace socketio {

namespace {

constexpr IpAddress::Bytes kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kMappedPrefix = 12;

}  // namespace

IpAddress IpAddress::fromV4(const void* fourBytes) {
    IpAddress address;
    address.bytes = kMapped;
    std::memcpy(address.bytes.data() + kMappedPrefix, fourBytes, 4);
    return address;
}

IpAddress IpAddress::fromV6(const void* sixteenBytes) {
    IpAddress address;
    std::memcpy(address.bytes.data(), sixteenBytes, address.bytes.size());
    return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    char terminated[INET6_ADDRSTRLEN];
    if (text.empty() || text.size() >= sizeof terminated) return std::nullopt;
    if (text.find('\0') != text.npos) return std::nullopt;
    *std::copy(text.begin(), text.end(), terminated) = '\0';
    IpAddress::Bytes raw;
    if (::inet_pton(AF_INET, terminated, raw.data()) == 1) return fromV4(raw.data());
    if (::inet_pton(AF_INET6, terminated, raw.data()) == 1) return fromV6(raw.data());
    return std::nullopt;
}

bool IpAddress::isV4() const {
    return std::equal(kMapped.begin(), kMapped.begin() + kMappedPrefix, bytes.begin());
}

std::string IpAddress::text() const {
    char buffer[INET6_ADDRSTRLEN] = {};
    if (isV4())
        ::inet_ntop(AF_INET, bytes.data() + kMappedPrefix, buffer, sizeof buffer);
    else
        ::inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
    return buffer;
}

}  // namespace socketio
