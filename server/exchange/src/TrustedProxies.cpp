#include "socketio/exchange/TrustedProxies.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <Poco/Exception.h>

#include "socketio/base/Text.h"
#include "socketio/protocol/HttpHead.h"

namespace socketio {

namespace {

/// Takes the last item of a list off its end.
std::string_view takeLast(std::string_view& list) {
    const std::size_t comma = list.rfind(',');
    const std::string_view item = comma == list.npos ? list : list.substr(comma + 1);
    list = comma == list.npos ? std::string_view() : list.substr(0, comma);
    return trim(item);
}

/// The item with `behind` others behind it; the first when there are not so many.
std::string_view itemFromEnd(std::string_view list, std::size_t behind) {
    std::string_view item = takeLast(list);
    while (behind-- > 0 && !list.empty()) item = takeLast(list);
    return item;
}

struct Hop {
    IpAddress address;
    std::string_view port = "0";  // unknown
};

/// `192.0.2.1`, `192.0.2.1:5000`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5000`.
std::optional<Hop> parseHop(std::string_view text) {
    Hop hop;
    std::string_view address = text, rest;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == text.npos) return std::nullopt;
        address = text.substr(1, end - 1);
        rest = text.substr(end + 1);
        if (address.find(':') == text.npos) return std::nullopt;
    } else if (const std::size_t colon = text.find(':');
               colon != text.npos && text.find(':', colon + 1) == text.npos) {
        address = text.substr(0, colon);
        rest = text.substr(colon);
    }
    if (!rest.empty()) {
        if (rest.front() != ':' || !parseNumber<std::uint16_t>(rest.substr(1))) return std::nullopt;
        hop.port = rest.substr(1);
    }
    const std::optional<IpAddress> parsed = IpAddress::parse(address);
    if (!parsed) return std::nullopt;
    hop.address = *parsed;
    return hop;
}

void setHost(Environ& environ, std::string_view host) {
    if (!isHttpHost(host)) return;
    const std::string_view name = httpHostName(host);
    const std::string_view port = host.size() > name.size() + 1 ? host.substr(name.size() + 1) : "";
    environ.set("SERVER_NAME", name);
    environ.set("SERVER_PORT", !port.empty() ? port : environ.secure() ? "443" : "80");
    environ.set("HTTP_HOST", host);
}

}  // namespace

TrustedProxies::TrustedProxies(std::initializer_list<std::string_view> proxies) {
    for (const std::string_view proxy : proxies) add(proxy);
}

TrustedProxies::TrustedProxies(const std::vector<std::string>& proxies) {
    for (const std::string& proxy : proxies) add(proxy);
}

TrustedProxies::TrustedProxies(std::string_view list) {
    while (!list.empty()) {
        const std::string_view proxy = list.substr(0, list.find_first_of(", \t"));
        list.remove_prefix(std::min(proxy.size() + 1, list.size()));
        if (!proxy.empty()) add(proxy);
    }
}

void TrustedProxies::add(std::string_view proxy) {
    const auto refuse = [proxy](const char* why) {
        throw Poco::InvalidArgumentException("trustedProxies: " + std::string(why),
                                             std::string(proxy));
    };
    if (proxy == "unix") {
        _unix = true;
        return;
    }
    const std::size_t slash = proxy.find('/');
    const std::optional<IpAddress> address = IpAddress::parse(proxy.substr(0, slash));
    if (!address) refuse("neither an address, nor a network, nor \"unix\"");
    Network network{.address = *address};
    // ::ffff:10.0.0.0/104 is 10.0.0.0/8; but ::/0 is every IPv6 address and no IPv4 one.
    const bool writtenAsV4 = proxy.substr(0, slash).find(':') == proxy.npos;
    network.v4 = address->isV4();
    if (slash != proxy.npos) {
        const auto bits = parseNumber<unsigned>(proxy.substr(slash + 1));
        if (!bits || *bits > (writtenAsV4 ? 32u : 128u)) refuse("bad prefix length of the network");
        network.bits = *bits;
        if (writtenAsV4) network.bits += 96;
        network.v4 = network.v4 && network.bits >= 96;
        for (unsigned bit = network.bits; bit < 128; ++bit)
            if (network.address.bytes[bit / 8] & (0x80 >> bit % 8))
                refuse("the network has bits set behind its prefix");
    }
    _networks.push_back(network);
}

bool TrustedProxies::Network::contains(const IpAddress& other) const {
    if (other.isV4() != v4) return false;
    const std::size_t whole = bits / 8;
    if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole, other.bytes.begin()))
        return false;
    const unsigned rest = bits % 8;
    return rest == 0 || ((address.bytes[whole] ^ other.bytes[whole]) >> (8 - rest)) == 0;
}

bool TrustedProxies::trusts(const IpAddress& address) const {
    return std::any_of(_networks.begin(), _networks.end(),
                       [&](const Network& network) { return network.contains(address); });
}

bool TrustedProxies::trusts(std::string_view address) const {
    if (address.empty()) return _unix;
    const std::optional<IpAddress> parsed = IpAddress::parse(address);
    return parsed && trusts(*parsed);
}

void TrustedProxies::apply(Environ& environ) const {
    if (empty() || !trusts(environ.remoteAddress())) return;

    // Each proxy has appended the address of its own peer. What stands in front of the first one
    // that is not trusted is hearsay.
    std::string_view hops = environ.get("HTTP_X_FORWARDED_FOR");
    std::optional<Hop> client;
    std::size_t behind = 0;  // hops behind the client
    while (!hops.empty()) {
        const std::optional<Hop> hop = parseHop(takeLast(hops));
        if (!hop) break;
        if (client) ++behind;
        client = hop;
        if (!trusts(hop->address)) break;
    }
    // Copies: what is set moves the rest of the environ.
    const std::string scheme(itemFromEnd(environ.get("HTTP_X_FORWARDED_PROTO"), behind));
    const std::string host(itemFromEnd(environ.get("HTTP_X_FORWARDED_HOST"), behind));
    if (client) {
        environ.set("REMOTE_PORT", client->port);
        environ.set("REMOTE_ADDR", client->address.text());
    }
    if (equalsIgnoreCase(scheme, "https") || equalsIgnoreCase(scheme, "wss"))
        environ.set("HTTPS", "on");
    else if (equalsIgnoreCase(scheme, "http") || equalsIgnoreCase(scheme, "ws"))
        environ.remove("HTTPS");
    setHost(environ, host);
}

}  // namespace socketio
