#include "Logging.h"

#include <cstdio>
#include <ctime>
#include <string_view>

#include <Poco/Formatter.h>
#include <Poco/Logger.h>
#include <Poco/LoggingRegistry.h>
#include <Poco/Message.h>
#include <Poco/Util/LoggingConfigurator.h>

#include "socketio/base/Text.h"
#include "socketio/protocol/EnginePacket.h"
#include "socketio/protocol/JsonCodec.h"

namespace socketio::app {

namespace {

constexpr std::size_t kLongestLine = 1000;

const char* levelName(Poco::Message::Priority priority) {
    switch (priority) {
        case Poco::Message::PRIO_FATAL:
        case Poco::Message::PRIO_CRITICAL:
        case Poco::Message::PRIO_ERROR:
            return "error";
        case Poco::Message::PRIO_WARNING:
            return "warning";
        case Poco::Message::PRIO_NOTICE:
            return "notice";
        case Poco::Message::PRIO_INFORMATION:
            return "information";
        case Poco::Message::PRIO_DEBUG:
            return "debug";
        case Poco::Message::PRIO_TRACE:
            return "trace";
        default:
            return "";
    }
}

/// What stands before a line of text; the ordinary needs no word.
const char* levelPrefix(Poco::Message::Priority priority) {
    if (priority <= Poco::Message::PRIO_ERROR) return "ERROR ";
    if (priority == Poco::Message::PRIO_WARNING) return "WARNING ";
    if (priority == Poco::Message::PRIO_DEBUG) return "debug ";
    return priority == Poco::Message::PRIO_TRACE ? "trace " : "";
}

/// `10:15:03.123 chat: connect #1 "ann" ...`, in local time.
std::string textLine(const Poco::Message& message) {
    const Poco::Timestamp& time = message.getTime();
    const std::time_t seconds = time.epochTime();
    std::tm local{};
    localtime_r(&seconds, &local);
    char clock[32];
    std::snprintf(clock, sizeof clock, "%02d:%02d:%02d.%03d ", local.tm_hour, local.tm_min,
                  local.tm_sec, static_cast<int>(time.epochMicroseconds() / 1000 % 1000));
    std::string line = clock;
    line.append(levelPrefix(message.getPriority()));
    line.append(printable(message.getSource())).append(": ");
    return line.append(printable(message.getText())).append("\n");
}

/// `{"time":"2026-11-23T12:00:00.123Z","level":"warning","source":"chat","text":"..."}`
std::string jsonLine(const Poco::Message& message) {
    const Poco::Timestamp& time = message.getTime();
    const std::time_t seconds = time.epochTime();
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char clock[64];
    std::snprintf(clock, sizeof clock, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                  utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                  static_cast<int>(time.epochMicroseconds() / 1000 % 1000));
    std::string line = "{\"time\":\"";
    line.append(clock).append("\",\"level\":\"").append(levelName(message.getPriority()));
    line += "\",\"source\":";
    appendJsonString(line, printable(message.getSource()));
    line += ",\"text\":";
    appendJsonString(line, printable(message.getText()));
    return line.append("}\n");
}

class LineChannel : public Poco::Channel {
public:
    LineChannel(std::shared_ptr<LineWriter> lines, bool json)
        : _lines(std::move(lines)), _json(json) {}
    void log(const Poco::Message& message) override {
        _lines->write(_json ? jsonLine(message) : textLine(message));
    }

private:
    const std::shared_ptr<LineWriter> _lines;
    const bool _json;
};

/// The names of the channels that the keys logging.channels.NAME.* define.
std::vector<std::string> channelNames(const Poco::Util::AbstractConfiguration& logging) {
    std::vector<std::string> names;
    logging.keys("logging.channels", names);
    return names;
}

}  // namespace

std::string printable(const std::string& text) {
    static constexpr char kHex[] = "0123456789abcdef";
    const bool utf8 = isValidUtf8(text);
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        // Not in the middle of a character.
        if (out.size() >= kLongestLine && (byte & 0xc0) != 0x80) return out + "...";
        if (!isControl(c) && (byte < 0x80 || utf8)) {
            out += c;
        } else {
            out += "\\x";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
    return out;
}

Logging::Logging(const Settings& settings) {
    if (!settings.accessFile.empty()) {
        const bool json = settings.access.format == AccessLogOptions::Format::Json;
        _access = std::make_shared<LineWriter>(settings.accessFile, json);
    }
    if (settings.logging && settings.logging->has("logging.loggers.root.channel")) {
        Poco::Util::LoggingConfigurator().configure(settings.logging);
        for (const std::string& name : channelNames(*settings.logging)) {
            const Poco::AutoPtr<Poco::Channel> channel =
                Poco::LoggingRegistry::defaultRegistry().channelForName(name);
            if (settings.logging->getString("logging.channels." + name + ".class", "") ==
                "FileChannel")
                _fileChannels.push_back(channel);
        }
        return;
    }
    const bool json = settings.logFormat == "json";
    _lines = std::make_shared<LineWriter>(settings.logFile, json);
    Poco::AutoPtr<Poco::Channel> channel(new LineChannel(_lines, json));
    Poco::Logger::root().setChannel(channel);
    Poco::Logger::setChannel("", channel);  // loggers that were made before have the default one
    const int level = Poco::Logger::parseLevel(settings.logLevel);
    Poco::Logger::setLevel("", level);
    // Connects and disconnects, by socket id, which is nobody's business at this level.
    if (level == Poco::Message::PRIO_INFORMATION)
        Poco::Logger::get("socketio.server").setLevel(Poco::Message::PRIO_NOTICE);
}

Logging::~Logging() {
    if (_lines) {
        // Who still logs does so into nothing; what waits is written.
        Poco::Logger::setChannel("", nullptr);
        return;
    }
    // Closing the channel writes what waits and ends its thread.
    if (Poco::AutoPtr<Poco::Channel> channel = Poco::Logger::root().getChannel()) channel->close();
}

void Logging::flush() {
    for (const std::shared_ptr<LineWriter>& lines : {_lines, _access})
        if (lines) lines->flush();
}

void Logging::reopen() {
    for (const std::shared_ptr<LineWriter>& lines : {_lines, _access}) {
        std::string problem;
        if (lines && !lines->reopen(problem))
            Poco::Logger::get("poco-socketio").error("cannot reopen " + problem);
    }
    // They open themselves again with the next line.
    for (Poco::AutoPtr<Poco::Channel>& channel : _fileChannels) channel->close();
}

}  // namespace socketio::app
