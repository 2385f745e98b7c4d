#include "RedisUrl.h"

#include <algorithm>
#include <optional>
#include <sys/un.h>

#include <Poco/Exception.h>

#include "socketio/base/Log.h"
#include "socketio/base/Text.h"

namespace socketio {

namespace {

[[noreturn]] void refuse(const std::string& why) {
    throw Poco::SyntaxException("bad Redis URL", why);
}

/// Cuts what is in front of `mark` off `text`, which keeps what is behind it; all without a mark.
std::string_view cut(std::string_view& text, std::string_view mark) {
    const std::size_t at = text.find(mark);
    const std::string_view front = text.substr(0, at);
    text.remove_prefix(at == text.npos ? text.size() : at + mark.size());
    return front;
}

unsigned databaseOf(std::string_view text) {
    const std::optional<unsigned> database = parseNumber<unsigned>(text);
    if (!database || *database > 1'000'000) refuse("the database is not a number");
    return *database;
}

void setHostAndPort(RedisUrl& url, std::string_view text) {
    std::optional<std::string_view> port;
    if (!text.empty() && text.front() == '[') {
        const std::size_t end = text.find(']');
        if (end == text.npos) refuse("the ] behind the address is missing");
        url.host = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        if (url.host.empty() || (!text.empty() && text.front() != ':'))
            refuse("the address in brackets is none");
        if (!text.empty()) port = text.substr(1);
    } else {
        const bool hasPort = text.find(':') != text.npos;
        const std::string host = percentDecode(cut(text, ":"));
        if (!host.empty()) url.host = host;
        if (text.find(':') != text.npos) refuse("an IPv6 address needs brackets");
        if (hasPort) port = text;
    }
    // A NUL would end the name early for those who look it up.
    for (const char c : url.host)
        if (isControl(c) || c == ' ') refuse("the host is not a name");
    if (!port) return;
    const auto value = parseNumber<std::uint16_t>(*port);
    if (!value || *value == 0) refuse("the port is not a number from 1 to 65535");
    url.port = *value;
}

void setParameter(RedisUrl& url, std::string_view name, const std::string& value) {
    const auto flag = [&](std::string_view yes, std::string_view no) {
        if (equalsIgnoreCase(value, yes)) return true;
        if (equalsIgnoreCase(value, no)) return false;
        refuse(std::string(name) + " is neither " + std::string(yes) + " nor " + std::string(no));
    };
    if (name == "db") return void(url.database = databaseOf(value));
    if (name == "username") return void(url.user = value);
    if (name == "password") return void(url.password = value);
    if (!url.tls && name.substr(0, 4) == "ssl_") refuse("ssl_... is for rediss://");
    if (name == "ssl_ca_certs") return void(url.caFile = value);
    if (name == "ssl_certfile") return void(url.certificateFile = value);
    if (name == "ssl_keyfile") return void(url.keyFile = value);
    if (name == "ssl_cert_reqs") return void(url.verify = flag("required", "none"));
    if (name == "ssl_check_hostname") return void(url.checkHostname = flag("true", "false"));
    refuse("unknown parameter \"" + escapedForLog(name, 40) + "\"");
}

}  // namespace

RedisUrl RedisUrl::parse(std::string_view text) {
    RedisUrl url;
    if (text.find("://") == text.npos) refuse("it does not begin with redis://");
    const std::string scheme = lowerCase(cut(text, "://"));
    const bool isUnix = scheme == "unix";
    url.tls = scheme == "rediss";
    if (scheme != "redis" && !url.tls && !isUnix)
        refuse("it does not begin with redis://, rediss:// or unix://");

    const std::size_t authorityEnd = std::min(text.find_first_of("/?#"), text.size());
    std::string_view authority = text.substr(0, authorityEnd);
    std::string_view rest = text.substr(authorityEnd);
    // A password with one of these in it would be taken for a host, and end up in a log.
    if (rest.find('@') != rest.npos)
        refuse("an @ behind the host; / ? # and @ in a password are written as %2F %3F %23 %40");
    if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
        std::string_view user = authority.substr(0, at);
        authority.remove_prefix(at + 1);
        url.user = percentDecode(cut(user, ":"));
        url.password = percentDecode(user);
    }
    rest = rest.substr(0, rest.find('#'));
    const std::string_view path = cut(rest, "?");
    if (isUnix) {
        if (!authority.empty()) refuse("the path of a Unix socket begins with /");
        url.path = percentDecode(path);
        if (url.path.size() < 2 || url.path.find('\0') != url.path.npos)
            refuse("there is no path to a Unix socket");
        if (url.path.size() >= sizeof sockaddr_un::sun_path)
            refuse("the path of a Unix socket is too long");
    } else {
        setHostAndPort(url, authority);
        if (path.size() > 1) url.database = databaseOf(path.substr(1));
    }
    while (!rest.empty()) {
        std::string_view value = cut(rest, "&");
        const std::string_view name = cut(value, "=");
        setParameter(url, name, percentDecode(value, true));
    }
    if (url.certificateFile.empty() != url.keyFile.empty())
        refuse("ssl_certfile and ssl_keyfile go together");
    return url;
}

std::string RedisUrl::address() const {
    if (!path.empty()) return path;
    const bool isIpv6 = host.find(':') != host.npos;
    return (isIpv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace socketio
