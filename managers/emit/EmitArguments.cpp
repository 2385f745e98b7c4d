#include "EmitArguments.h"

#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include <Poco/Exception.h>

#include "socketio/base/Log.h"
#include "socketio/base/Text.h"
#include "socketio/protocol/JsonCodec.h"

namespace socketio::emit {

namespace {

[[noreturn]] void refuse(const std::string& why) { throw Poco::SyntaxException(why); }

QueueDialect dialectOf(const std::string& name) {
    for (const auto& [known, dialect] : kQueueDialects)
        if (name == known) return dialect;
    refuse("--dialect is json, legacy-json or pickle");
}

std::chrono::seconds secondsOf(const std::string& text) {
    const auto seconds = parseNumber<unsigned>(text);
    if (!seconds || *seconds < 1 || *seconds > 3'600)
        refuse("--timeout is a number of seconds from 1 to 3600");
    return std::chrono::seconds(*seconds);
}

Value jsonOf(const std::string& text, std::size_t number) {
    auto value = JsonCodec::decode(text);
    if (!value.ok())
        refuse("argument " + std::to_string(number) + " of the event is no JSON: " +
               escapedForLog(text, 60) + " (a string needs its quotes)");
    return std::move(*value);
}

/// False for a name that is no option.
bool setOption(const std::string& name, std::string value, EmitArguments& out) {
    if (name == "--url")
        out.url = std::move(value);
    else if (name == "--channel")
        out.channel = std::move(value);
    else if (name == "--namespace")
        out.nsp = std::move(value);
    else if (name == "--room")
        out.target.rooms.push_back(std::move(value));
    else if (name == "--skip")
        out.target.skipSids.push_back(std::move(value));
    else if (name == "--dialect")
        out.dialect = dialectOf(value);
    else if (name == "--timeout")
        out.timeout = secondsOf(value);
    else
        return false;
    return true;
}

bool isOption(const std::string& name) {
    EmitArguments none;
    return setOption(name, name == "--dialect" ? "json" : "1", none);
}

}  // namespace

EmitArguments EmitArguments::parse(const std::vector<std::string>& arguments) {
    EmitArguments out;
    if (const char* url = std::getenv("POCO_SOCKETIO_URL")) out.url = url;
    auto next = arguments.begin();
    for (; next != arguments.end() && next->starts_with("-"); ++next) {
        if (*next == "--") {
            ++next;
            break;
        }
        const auto equals = next->find('=');
        const std::string name = next->substr(0, equals);
        if (equals == next->npos && (name == "--help" || name == "--version")) {
            (name == "--help" ? out.help : out.version) = true;
            return out;
        }
        if (!isOption(name)) refuse("unknown option " + name + " (--help lists them)");
        if (equals == next->npos && next + 1 == arguments.end()) refuse(name + " needs a value");
        setOption(name, equals == next->npos ? *++next : next->substr(equals + 1), out);
    }
    if (out.url.empty()) refuse("--url is missing");
    if (out.nsp.empty() || out.nsp.front() != '/') refuse("--namespace begins with a /");
    if (next == arguments.end()) refuse("the event is missing");
    out.data.push(*next++);
    for (std::size_t number = 1; next != arguments.end(); ++next, ++number)
        out.data.push(jsonOf(*next, number));
    return out;
}

const char* EmitArguments::helpText() {
    return R"(usage: poco-socketio-emit --url URL [OPTION]... EVENT [JSON]...

Emits an event to the Socket.IO clients of all servers on the channel. Each JSON is an
argument of the event. Options come first.

  --url URL          the broker: redis://, rediss://, unix://, amqp://, amqps://,
                     kombu+redis://; or else the variable POCO_SOCKETIO_URL, which the
                     list of processes does not show
  --channel NAME     socketio
  --namespace NAME   /
  --room ROOM        a room, or a client by its id; may be given again; without it all
                     clients in the namespace
  --skip SID         not to this client; may be given again
  --dialect NAME     json (python-socketio 5.15 and later), legacy-json (5.14) or pickle
                     (earlier)
  --timeout SECONDS  for the broker to take it; 5
  --help, --version

Exit status: 0 when the broker has taken it, 1 when not, 2 for a wrong command line.

  poco-socketio-emit --url redis://localhost --room lobby "chat message" '{"text":"hi"}'
)";
}

}  // namespace socketio::emit
