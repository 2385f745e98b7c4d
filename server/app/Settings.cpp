#include "Settings.h"

#include <charconv>
#include <functional>
#include <limits>
#include <map>
#include <system_error>

#include <Poco/Exception.h>
#include <Poco/Logger.h>
#include <Poco/Path.h>
#include <Poco/StringTokenizer.h>
#include <Poco/Util/PropertyFileConfiguration.h>

namespace socketio::app {

namespace {

/// Sets one setting from text; `where` names it in errors: "--port" or "server.port in FILE".
using Setter = std::function<void(Settings&, const std::string& where, const std::string& text)>;

[[noreturn]] void bad(const std::string& where, const std::string& text, const char* expected) {
    throw UsageError(where + ": \"" + text + "\" is not " + expected);
}

std::uint64_t number(const std::string& where, const std::string& text, std::uint64_t largest) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || stop != end || error != std::errc() || value > largest)
        bad(where, text, ("a number from 0 to " + std::to_string(largest)).c_str());
    return value;
}

bool yesOrNo(const std::string& where, const std::string& text) {
    if (text == "true" || text == "yes" || text == "on") return true;
    if (text == "false" || text == "no" || text == "off") return false;
    bad(where, text, "true or false");
}

std::vector<std::string> list(const std::string& text) {
    const Poco::StringTokenizer parts(
        text, ",", Poco::StringTokenizer::TOK_TRIM | Poco::StringTokenizer::TOK_IGNORE_EMPTY);
    return {parts.begin(), parts.end()};
}

template <class Get>
Setter milliseconds(Get get) {
    return [get](Settings& s, const std::string& where, const std::string& text) {
        get(s) = std::chrono::milliseconds(number(where, text, 86'400'000));
    };
}
template <class Get>
Setter whole(Get get, std::uint64_t largest) {
    return [get, largest](Settings& s, const std::string& where, const std::string& text) {
        auto& value = get(s);
        value = static_cast<std::remove_reference_t<decltype(value)>>(number(where, text, largest));
    };
}
template <class Get>
Setter flag(Get get) {
    return [get](Settings& s, const std::string& where, const std::string& text) {
        get(s) = yesOrNo(where, text);
    };
}
template <class Get>
Setter text(Get get) {
    return [get](Settings& s, const std::string&, const std::string& value) { get(s) = value; };
}

void setLogLevel(Settings& s, const std::string& where, const std::string& level) {
    try {
        Poco::Logger::parseLevel(level);
    } catch (const Poco::Exception&) {
        bad(where, level, "a log level (error, warning, notice, information, debug, trace)");
    }
    s.logLevel = level;
}

void setOrigins(Settings& s, const std::string&, const std::string& origins) {
    if (origins == "*")
        s.server.corsAllowedOrigins = AllowedOrigins("*");
    else if (!list(origins).empty())
        s.server.corsAllowedOrigins = AllowedOrigins(list(origins));
}

void setTransports(Settings& s, const std::string& where, const std::string& names) {
    s.server.transports = list(names);
    for (const std::string& name : s.server.transports)
        if (name != "polling" && name != "websocket") bad(where, name, "polling or websocket");
    if (s.server.transports.empty()) bad(where, names, "a list of transports");
}

constexpr std::uint64_t kAnySize = std::numeric_limits<std::uint32_t>::max();

/// Every key that a configuration file may have.
const std::map<std::string, Setter>& keys() {
    static const std::map<std::string, Setter> table = {
        {"server.host", text([](Settings & s) -> auto& { return s.http.host; })},
        {"server.port", whole(
                            [](Settings & s) -> auto& { return s.http.port; }, 65535)},
        {"server.www", text([](Settings & s) -> auto& { return s.www; })},
        {"server.client", text([](Settings & s) -> auto& { return s.middleware.clientFolder; })},
        {"server.path", text([](Settings & s) -> auto& { return s.middleware.path; })},
        {"log.level", setLogLevel},
        {"engine.pingInterval",
         milliseconds([](Settings & s) -> auto& { return s.server.pingInterval; })},
        {"engine.pingTimeout",
         milliseconds([](Settings & s) -> auto& { return s.server.pingTimeout; })},
        {"engine.upgradeTimeout",
         milliseconds([](Settings & s) -> auto& { return s.server.upgradeTimeout; })},
        {"engine.connectTimeout",
         milliseconds([](Settings & s) -> auto& { return s.server.connectTimeout; })},
        {"engine.maxHttpBufferSize",
         whole(
             [](Settings & s) -> auto& { return s.server.maxHttpBufferSize; }, kAnySize)},
        {"engine.transports", setTransports},
        {"engine.allowUpgrades",
         flag([](Settings & s) -> auto& { return s.server.allowUpgrades; })},
        {"engine.engineIo3", flag([](Settings & s) -> auto& { return s.server.engineIo3; })},
        {"engine.engineIo4", flag([](Settings & s) -> auto& { return s.server.engineIo4; })},
        {"engine.jsonp", flag([](Settings & s) -> auto& { return s.server.jsonp; })},
        {"engine.httpCompression",
         flag([](Settings & s) -> auto& { return s.server.httpCompression; })},
        {"engine.corsAllowedOrigins", setOrigins},
        {"hub.ioThreads", whole(
                              [](Settings & s) -> auto& { return s.http.hub.ioThreads; }, 1024)},
        {"hub.keptWorkers",
         whole(
             [](Settings & s) -> auto& { return s.http.hub.keptWorkers; }, 4096)},
        {"hub.maxWorkers", whole(
                               [](Settings & s) -> auto& { return s.http.hub.maxWorkers; }, 4096)},
        {"hub.maxConnections",
         whole(
             [](Settings & s) -> auto& { return s.http.hub.maxConnections; }, 10'000'000)},
    };
    return table;
}

struct Option {
    const char *name, *value, *key, *help;
};
constexpr Option kOptions[] = {
    {"--config", "FILE", nullptr, "settings as Poco properties, see conf/dev.properties"},
    {"--host", "ADDRESS", "server.host", "where to listen; every address when not given"},
    {"--port", "N", "server.port", "5000 when not given; 0: the system chooses"},
    {"--www", "FOLDER", "server.www", "the page and its files"},
    {"--client", "FOLDER", "server.client", "the official browser client (socket.io-client/dist)"},
    {"--log-level", "LEVEL", "log.level", "error, warning, notice, information, debug or trace"},
    {"--help", nullptr, nullptr, "this list"},
    {"--version", nullptr, nullptr, "name and version"},
};

/// Folders in a file are relative to the file, so that it works from everywhere.
std::string beside(const std::string& file, const std::string& folder) {
    if (folder.empty() || folder.front() == '/') return folder;
    return Poco::Path(file).makeAbsolute().parent().toString() + folder;
}

void collectKeys(const Poco::Util::AbstractConfiguration& file, const std::string& base,
                 std::vector<std::string>& found) {
    std::vector<std::string> children;
    file.keys(base, children);
    if (children.empty() && !base.empty()) found.push_back(base);
    for (const std::string& child : children)
        collectKeys(file, base.empty() ? child : base + "." + child, found);
}

void readFile(Settings& settings, const std::string& path) {
    Poco::AutoPtr<Poco::Util::PropertyFileConfiguration> file;
    try {
        file = new Poco::Util::PropertyFileConfiguration(path);
    } catch (const Poco::Exception& e) {
        throw UsageError("--config " + path + ": " + e.displayText());
    }
    std::vector<std::string> found;
    collectKeys(*file, "", found);
    for (const std::string& key : found) {
        if (key.starts_with("logging.")) continue;
        const auto known = keys().find(key);
        const std::string where = key + " in " + path;
        if (known == keys().end()) throw UsageError("unknown key " + where);
        known->second(settings, where, file->getString(key));
    }
    settings.www = beside(path, settings.www);
    settings.middleware.clientFolder = beside(path, settings.middleware.clientFolder);
    settings.file = file;
}

}  // namespace

Settings Settings::read(const std::vector<std::string>& arguments) {
    Settings settings;
    std::vector<std::pair<const Option*, std::string>> given;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        const std::size_t equals = argument.find('=');
        const std::string name = argument.substr(0, equals);
        const Option* option = nullptr;
        for (const Option& each : kOptions)
            if (name == each.name) option = &each;
        if (!option || (!option->value && equals != argument.npos))
            throw UsageError("unknown option " + argument + " (--help lists them)");
        if (!option->value) {
            (name == "--help" ? settings.help : settings.version) = true;
            continue;
        }
        if (equals == argument.npos && i + 1 == arguments.size())
            throw UsageError(name + " needs a value: " + option->value);
        given.emplace_back(option,
                           equals == argument.npos ? arguments[++i] : argument.substr(equals + 1));
    }
    if (settings.help || settings.version) return settings;
    for (const auto& [option, value] : given)
        if (!option->key) readFile(settings, value);
    for (const auto& [option, value] : given)
        if (option->key) keys().at(option->key)(settings, option->name, value);
    return settings;
}

std::string Settings::helpText() {
    std::string text =
        "poco-socketio: a Socket.IO server with a chat to try it out\n\n"
        "usage: poco-socketio [option ...]\n\n";
    for (const Option& option : kOptions) {
        std::string left = std::string("  ") + option.name;
        if (option.value) left.append(" ").append(option.value);
        left.resize(left.size() < 22 ? 22 : left.size() + 1, ' ');
        text.append(left).append(option.help).append("\n");
    }
    return text;
}

}  // namespace socketio::app
