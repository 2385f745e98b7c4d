#include "DefaultLog.h"

#include <iostream>
#include <string>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/ConsoleChannel.h>
#include <Poco/FormattingChannel.h>
#include <Poco/Logger.h>
#include <Poco/PatternFormatter.h>

namespace socketio {

void ensureLogChannel() {
    using Poco::Logger;
    Logger::get("socketio");  // those below inherit from it, also when they are made later
    Poco::AutoPtr<Poco::Channel> channel(Logger::root().getChannel(), true);
    int level = Logger::root().getLevel();
    std::vector<std::string> names;
    Logger::names(names);
    for (const std::string& name : names) {
        if (name != "socketio" && !name.starts_with("socketio.")) continue;
        Logger& logger = Logger::get(name);
        if (logger.getChannel()) continue;
        if (!channel) {
            channel = new Poco::FormattingChannel(
                new Poco::PatternFormatter("%L%Y-%m-%d %H:%M:%S.%i %p %s: %t"),
                new Poco::ConsoleChannel(std::cerr));
            level = Poco::Message::PRIO_WARNING;
        }
        logger.setChannel(channel);
        logger.setLevel(level);
    }
}

}  // namespace socketio
