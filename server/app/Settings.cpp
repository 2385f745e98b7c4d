#include "Settings.h"

#include <map>
#include <set>
#include <utility>

#include <Poco/Path.h>
#include <Poco/Util/MapConfiguration.h>

#include "CommandLine.h"
#include "ListenerSettings.h"
#include "SettingsKeys.h"

namespace socketio::app {

/// Reads one command line with its files.
class SettingsReader {
public:
    SettingsReader(Settings& settings, std::vector<std::string>* problems)
        : _settings(settings), _problems(problems) {}

    void read(const std::vector<std::string>& arguments);

private:
    /// Runs a step; what is wrong ends it, or is noted and the next step comes.
    template <class Step>
    void attempt(Step&& step) {
        if (!_problems) return step();
        try {
            step();
        } catch (const UsageError& e) {
            _problems->push_back(e.what());
        }
    }

    void readFile(const std::string& path);
    void set(const std::string& key, const SettingSource& source, const std::string& value);
    void apply(const CommandLineOption& option, const std::string& value);
    void finish();

    Settings& _settings;
    std::vector<std::string>* _problems;
    std::map<std::string, Listener> _listeners;  // of the keys listen.NAME.*, by name
    std::set<std::string> _doubtful;             // of them
    std::map<std::string, FolderMount> _mounts;
    std::vector<Listener> _listenOptions;
    Poco::AutoPtr<Poco::Util::MapConfiguration> _logging;
    bool _applicationOption = false;
};

void SettingsReader::set(const std::string& key, const SettingSource& source,
                         const std::string& value) {
    if (const SettingKey* const known = SettingsKeys::find(key)) {
        known->set(_settings, source, value);
        _settings.origins[key] = source.where;
        return;
    }
    const std::size_t dot = key.find('.');
    const std::string group = key.substr(0, dot);
    const std::string rest = dot == key.npos ? "" : key.substr(dot + 1);
    if (group == "logging" && !rest.empty()) {
        if (!_logging) _logging = new Poco::Util::MapConfiguration;
        _logging->setString(key, value);
        return;
    }
    if (group == "app" && !rest.empty()) {
        _settings.applicationSettings[rest] = value;
        return;
    }
    const std::size_t second = rest.find('.');
    const std::string name = rest.substr(0, second);
    const std::string part = second == rest.npos ? "" : rest.substr(second + 1);
    if (group == "listen" && isName(name)) {
        Listener& listener = _listeners[name];
        if (listener.where.empty()) listener.where = source.where;
        try {
            return setListenerPart(listener, part, source, value);
        } catch (const UsageError&) {
            _doubtful.insert(name);  // what is missing there is not worth another line
            throw;
        }
    }
    if (group == "mount" && isName(name) && (part == "path" || part == "folder")) {
        FolderMount& mount = _mounts[name];
        mount.where = source.where;
        if (part == "path") {
            if (value.empty()) bad(source, value, "a path such as /docs");
            checkUrlPath(source, value);
            mount.path = value;
        } else {
            mount.folder = absolute(source, value);
        }
        return;
    }
    throw UsageError("unknown key " + source.where + SettingsKeys::suggestion(key));
}

void SettingsReader::readFile(const std::string& path) {
    const std::string folder = Poco::Path(path).makeAbsolute().parent().toString();
    for (const ConfigEntry& entry : readConfigFile(path))
        attempt([&] {
            set(entry.key,
                {entry.key + " in " + path + ", line " + std::to_string(entry.line), folder},
                entry.value);
        });
}

void SettingsReader::apply(const CommandLineOption& option, const std::string& value) {
    const std::string name = option.name;
    SettingSource source{name, Poco::Path::current()};
    if (option.key) return set(option.key, source, option.value ? value : "true");
    if (name == "--listen") {
        Listener listener;
        setAddress(listener, source, value);
        listener.where = name + " " + value;
        _listenOptions.push_back(std::move(listener));
    } else if (name == "--mount") {
        const std::size_t equals = value.find('=');
        if (equals == value.npos || equals == 0) bad(source, value, "PATH=FOLDER");
        checkUrlPath(source, value.substr(0, equals));
        _settings.mounts.push_back({value.substr(0, equals),
                                    absolute(source, value.substr(equals + 1)),
                                    name + " " + value});
    } else if (name == "--app") {
        // Those of the command line stand for those of the file.
        if (!std::exchange(_applicationOption, true)) _settings.applications.clear();
        _settings.applications.push_back(absolute(source, value));
        _settings.origins["server.app"] = name;
    } else if (name == "--set") {
        const std::size_t equals = value.find('=');
        if (equals == value.npos || equals == 0) bad(source, value, "KEY=VALUE");
        source.where = value.substr(0, equals) + " in --set";
        set(value.substr(0, equals), source, value.substr(equals + 1));
    }
}

void SettingsReader::read(const std::vector<std::string>& arguments) {
    const std::vector<GivenOption> given = readCommandLine(arguments);
    const std::pair<const char*, bool*> flags[] = {
        {"--help", &_settings.help},     {"--version", &_settings.version},
        {"--check", &_settings.check},   {"--show-config", &_settings.showConfig},
        {"--limits", &_settings.limits}, {"--daemon", &_settings.daemon}};
    for (const auto& [option, value] : given)
        for (const auto& [name, flag] : flags)
            if (option->name == std::string(name)) *flag = true;
    if (_settings.help || _settings.version) return;
    for (const auto& [option, value] : given)
        if (option->name == std::string("--config"))
            attempt([this, &path = value] { readFile(path); });
    for (const auto& [option, value] : given)
        if (option->name != std::string("--config"))
            attempt([this, &each = *option, &text = value] { apply(each, text); });
    finish();
}

/// What follows from several keys.
void SettingsReader::finish() {
    _settings.logging = _logging;
    if (!_settings._cookie.name.empty()) _settings.server.cookie = _settings._cookie;
    for (auto& [name, mount] : _mounts) {
        if (mount.path.empty() || mount.folder.empty())
            attempt([&key = name, &where = mount.where] {
                throw UsageError(where + ": mount." + key + ".path and mount." + key +
                                 ".folder are both needed");
            });
        else
            _settings.mounts.push_back(mount);
    }
    // --listen stands for the listeners of the file.
    if (!_listenOptions.empty()) {
        _settings.listeners = std::move(_listenOptions);
    } else {
        for (auto& [name, listener] : _listeners) {
            if (_doubtful.count(name)) continue;
            if (listener.port == 0 && listener.host.empty() && listener.unixSocket.empty() &&
                !listener.inherited && listener.where.find(".address") == std::string::npos)
                attempt([&key = name, &where = listener.where] {
                    throw UsageError(where + ": listen." + key + ".address is missing");
                });
            _settings.listeners.push_back(listener);
        }
    }
    if (_settings.listeners.empty()) {
        Listener listener;
        listener.host = _settings._host;
        listener.port = _settings._port;
        listener.where = _settings.origin("server.port");
        if (listener.where.empty()) listener.where = _settings.origin("server.host");
        _settings.listeners.push_back(std::move(listener));
    } else {
        for (const char* key : {"server.host", "server.port"})
            if (!_settings.origin(key).empty())
                attempt([&] {
                    throw UsageError(_settings.origin(key) +
                                     ": says nothing beside the listeners that are given; use " +
                                     (_listeners.empty() ? "--listen" : "listen.NAME.address") +
                                     " alone");
                });
    }
    for (const Listener& listener : _settings.listeners) {
        if (listener.kind == Listener::Kind::Https && _settings.tls.certificateFile.empty())
            attempt([&] { throw UsageError(listener.where + ": https needs tls.certificate"); });
        if (listener.inherited && _settings.daemon)
            attempt([&] {
                throw UsageError(listener.where +
                                 ": --daemon leaves standard input, use one of them");
            });
        if (listener.proxyProtocol && listener.kind == Listener::Kind::FastCgi)
            attempt([&] { throw UsageError(listener.where + ": FastCGI has no proxyProtocol"); });
        if (listener.proxyProtocol && _settings.http.trustedProxies.empty())
            attempt([&] {
                throw UsageError(listener.where +
                                 ": proxyProtocol needs server.trustedProxies, from which alone "
                                 "connections are then taken");
            });
    }
    if (_settings.reload && _settings.applications.empty())
        attempt([&] {
            throw UsageError(_settings.origin("server.reload") + ": there is no --app to reload");
        });
}

Settings Settings::read(const std::vector<std::string>& arguments,
                        std::vector<std::string>* problems) {
    Settings settings;
    SettingsReader(settings, problems).read(arguments);
    return settings;
}

std::string Settings::origin(const std::string& key) const {
    const auto found = origins.find(key);
    return found == origins.end() ? "" : found->second;
}

std::string Settings::configText() const {
    std::string text;
    for (const SettingKey& key : SettingsKeys::all()) {
        text.append(key.name).append(" =");
        const std::string value = key.get(*this);
        if (!value.empty()) text += ' ';
        for (const char c : value) {
            if (c == '\\') text += '\\';
            text += c;
        }
        text += '\n';
    }
    return text;
}

}  // namespace socketio::app
