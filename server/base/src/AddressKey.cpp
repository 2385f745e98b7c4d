#include "socketio/base/AddressKey.h"

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <string>

namespace socketio {

namespace {

// In the part of IPv6 that is for documentation alone (2001:db8::/32), so no other has them.
constexpr std::uint64_t kIpv4 = 0x20010db800000000;

}  // namespace

std::optional<std::uint64_t> addressKey(std::string_view address) {
    const std::string text(address);
    in6_addr six{};
    in_addr four{};
    if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return kIpv4 | ntohl(four.s_addr);
    if (::inet_pton(AF_INET6, text.c_str(), &six) != 1) return std::nullopt;
    if (IN6_IS_ADDR_V4MAPPED(&six)) {
        std::memcpy(&four, &six.s6_addr[12], sizeof four);
        return kIpv4 | ntohl(four.s_addr);
    }
    std::uint64_t key = 0;
    for (int i = 0; i < 8; ++i) key = key << 8 | six.s6_addr[i];
    return key == 0 ? 1 : key;  // ::1 and its like
}

}  // namespace socketio
