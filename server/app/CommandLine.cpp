#include "CommandLine.h"

#include "ConfigFile.h"

namespace socketio::app {

const std::vector<CommandLineOption>& commandLineOptions() {
    static const std::vector<CommandLineOption> table = {
        {"--config", "FILE", nullptr, "settings as properties, XML or JSON; see conf/"},
        {"--listen", "ADDRESS", nullptr,
         "http://HOST:PORT, https://HOST:PORT, fastcgi://HOST:PORT,"},
        {nullptr, nullptr, nullptr, "fastcgi:/PATH or fastcgi:stdin; several may be given"},
        {"--host", "ADDRESS", "server.host", "without --listen: where; every address by default"},
        {"--port", "N", "server.port", "without --listen: 5000 by default; 0: the system chooses"},
        {"--www", "FOLDER", "server.www", "the page and its files"},
        {"--mount", "PATH=FOLDER", nullptr, "files of a folder below a path; several may be given"},
        {"--client", "FOLDER", "server.client",
         "the official browser client (socket.io-client/dist)"},
        {"--app", "LIBRARY", nullptr, "an application to run; several may be given"},
        {"--reload", nullptr, "server.reload", "take applications anew when they are rebuilt"},
        {"--manager", "URL", "cluster.manager",
         "redis://... or amqp://...: one with other servers on the same channel"},
        {"--log-level", "LEVEL", "log.level",
         "error, warning, notice, information, debug or trace"},
        {"--set", "KEY=VALUE", nullptr, "any key of the configuration file"},
        {"--pidfile", "FILE", "server.pidFile", "holds the process id while it runs"},
        {"--daemon", nullptr, nullptr, "go into the background as soon as it serves"},
        {"--check", nullptr, nullptr, "say what is wrong with the settings, and end"},
        {"--show-config", nullptr, nullptr, "every key and its value as it would be, and end"},
        {"--limits", nullptr, nullptr, "every limit with the value that it would have, and end"},
        {"--help", nullptr, nullptr, "this list"},
        {"--version", nullptr, nullptr, "name and version"},
    };
    return table;
}

std::vector<GivenOption> readCommandLine(const std::vector<std::string>& arguments) {
    std::vector<GivenOption> given;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        const std::size_t equals = argument.find('=');
        const std::string name = argument.substr(0, equals);
        const CommandLineOption* option = nullptr;
        for (const CommandLineOption& each : commandLineOptions())
            if (each.name && name == each.name) option = &each;
        if (!option || (!option->value && equals != argument.npos))
            throw UsageError("unknown option " + argument + " (--help lists them)");
        if (option->value && equals == argument.npos && i + 1 == arguments.size())
            throw UsageError(name + " needs a value: " + option->value);
        std::string value;
        if (option->value)
            value = equals == argument.npos ? arguments[++i] : argument.substr(equals + 1);
        given.push_back({option, std::move(value)});
    }
    return given;
}

std::string commandLineHelp() {
    std::string text =
        "poco-socketio: a Socket.IO server\n\n"
        "usage: poco-socketio [option ...]\n\n";
    for (const CommandLineOption& option : commandLineOptions()) {
        std::string left = "  ";
        if (option.name) left += option.name;
        if (option.value) left.append(" ").append(option.value);
        left.resize(left.size() < 24 ? 24 : left.size() + 1, ' ');
        text.append(left).append(option.help).append("\n");
    }
    text +=
        "\nThe command line wins over the file. Without --app it serves a chat to try it out.\n"
        "SIGHUP: certificates and log files anew. SIGTERM: an orderly end.\n";
    return text;
}

}  // namespace socketio::app
