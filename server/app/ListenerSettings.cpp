#include "ListenerSettings.h"

#include <cstdint>

namespace socketio::app {

namespace {

constexpr const char* kAddresses =
    "http://HOST:PORT, https://HOST:PORT, fastcgi://HOST:PORT, fastcgi:/PATH or fastcgi:stdin";

}  // namespace

void setAddress(Listener& listener, const SettingSource& source, const std::string& text) {
    const auto wrong = [&] { bad(source, text, kAddresses); };
    const std::size_t colon = text.find(':');
    if (colon == text.npos) wrong();
    const std::string scheme = text.substr(0, colon);
    std::string rest = text.substr(colon + 1);
    if (scheme == "http")
        listener.kind = Listener::Kind::Http;
    else if (scheme == "https")
        listener.kind = Listener::Kind::Https;
    else if (scheme == "fastcgi")
        listener.kind = Listener::Kind::FastCgi;
    else
        wrong();
    if (!rest.starts_with("//")) {
        if (listener.kind != Listener::Kind::FastCgi || rest.empty()) wrong();
        if (rest == "stdin")
            listener.inherited = true;
        else
            listener.unixSocket = absolute(source, rest);
        return;
    }
    rest.erase(0, 2);
    while (rest.ends_with('/')) rest.pop_back();
    const std::size_t last = rest.rfind(':');
    if (last == rest.npos || rest.find('/') != rest.npos) wrong();
    listener.host = rest.substr(0, last);
    if (listener.host.starts_with('[') && listener.host.ends_with(']'))
        listener.host = listener.host.substr(1, listener.host.size() - 2);
    else if (listener.host.find(':') != rest.npos)
        wrong();
    if (listener.host == "*") listener.host.clear();
    listener.port =
        static_cast<std::uint16_t>(number(source, rest.substr(last + 1), {0, 65535, ""}));
}

void setListenerPart(Listener& listener, const std::string& part, const SettingSource& source,
                     const std::string& text) {
    if (part == "address") {
        setAddress(listener, source, text);
        listener.where = source.where;
    } else if (part == "proxyProtocol") {
        listener.proxyProtocol = yesOrNo(source, text);
    } else if (part == "allowPublic") {
        listener.allowPublic = yesOrNo(source, text);
    } else if (part == "webSocketRoute") {
        listener.webSocketRoute = yesOrNo(source, text);
    } else if (part == "unixMode") {
        listener.unixMode = fileMode(source, text);
    } else if (part == "mount") {
        checkUrlPath(source, text);
        listener.mount = text;
    } else {
        throw UsageError("unknown key " + source.where +
                         ": of a listener there are address, proxyProtocol, allowPublic, "
                         "webSocketRoute, unixMode and mount");
    }
}

}  // namespace socketio::app
