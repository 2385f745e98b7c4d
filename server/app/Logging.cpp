#include "Logging.h"

#include <cstdio>
#include <ctime>

#include <Poco/AsyncChannel.h>
#include <Poco/ConsoleChannel.h>
#include <Poco/Formatter.h>
#include <Poco/FormattingChannel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>
#include <Poco/Util/LoggingConfigurator.h>

namespace socketio::app {

namespace {

constexpr std::size_t kLongestLine = 1000;
constexpr const char* kWaitingLines = "10000";

const char* levelName(Poco::Message::Priority priority) {
    switch (priority) {
        case Poco::Message::PRIO_FATAL:
        case Poco::Message::PRIO_CRITICAL:
        case Poco::Message::PRIO_ERROR:
            return "ERROR ";
        case Poco::Message::PRIO_WARNING:
            return "WARNING ";
        case Poco::Message::PRIO_DEBUG:
            return "debug ";
        case Poco::Message::PRIO_TRACE:
            return "trace ";
        default:
            return "";  // the ordinary needs no word
    }
}

/// `10:15:03.123 chat: connect #1 "ann" ...`, in local time.
class LineFormatter : public Poco::Formatter {
public:
    void format(const Poco::Message& message, std::string& line) override {
        const Poco::Timestamp time = message.getTime();
        const std::time_t seconds = time.epochTime();
        std::tm local{};
        localtime_r(&seconds, &local);
        char clock[32];
        std::snprintf(clock, sizeof clock, "%02d:%02d:%02d.%03d ", local.tm_hour, local.tm_min,
                      local.tm_sec, static_cast<int>(time.epochMicroseconds() / 1000 % 1000));
        line.append(clock).append(levelName(message.getPriority()));
        line.append(printable(message.getSource()))
            .append(": ")
            .append(printable(message.getText()));
    }
};

bool configured(const Settings& settings) {
    return settings.file && settings.file->has("logging.loggers.root.channel");
}

}  // namespace

std::string printable(const std::string& text) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        if (out.size() >= kLongestLine) return out + "...";
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7f) {
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
    if (configured(settings)) {
        Poco::Util::LoggingConfigurator().configure(settings.file);
        return;
    }
    Poco::AutoPtr<Poco::Channel> console(new Poco::ConsoleChannel);
    Poco::AutoPtr<Poco::Channel> waiting(new Poco::AsyncChannel(console));
    waiting->setProperty("queueSize", kWaitingLines);
    Poco::AutoPtr<Poco::Formatter> formatter(new LineFormatter);
    Poco::AutoPtr<Poco::Channel> lines(new Poco::FormattingChannel(formatter, waiting));
    lines->open();
    Poco::Logger::root().setChannel(lines);
    Poco::Logger::setChannel("", lines);  // loggers that were made before have the default one
    const int level = Poco::Logger::parseLevel(settings.logLevel);
    Poco::Logger::setLevel("", level);
    // Connects and disconnects: the chat says them by name, and without socket ids.
    if (level == Poco::Message::PRIO_INFORMATION)
        Poco::Logger::get("socketio.server").setLevel(Poco::Message::PRIO_NOTICE);
}

Logging::~Logging() {
    // Closing the channel writes what waits and ends its thread.
    if (Poco::AutoPtr<Poco::Channel> channel = Poco::Logger::root().getChannel()) channel->close();
}

}  // namespace socketio::app
