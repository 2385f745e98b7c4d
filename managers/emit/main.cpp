// poco-socketio-emit: emits one event to the clients of all servers on a channel, for scripts.
//
// Exit status: 0 when the broker has taken it; 1 when it has not, 2 for a wrong command line, each
// with one line on standard error.
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <Poco/Exception.h>

#include "socketio/managers/ManagerUrls.h"

#include "EmitArguments.h"

namespace {

using namespace socketio;

int fail(int status, const std::string& why) {
    std::fprintf(stderr, "poco-socketio-emit: %s\n", why.c_str());
    return status;
}

int run(const emit::EmitArguments& arguments) {
    PubSubOptions options;
    options.dialect = arguments.dialect;
    // The message waits for the broker as long as we do.
    options.publishAge = arguments.timeout + std::chrono::seconds(1);
    const auto manager = std::dynamic_pointer_cast<PubSubManager>(
        createManager(arguments.url, arguments.channel, true, options));
    if (!manager) return fail(2, "the URL's clients are all in one process");
    manager->initialize();
    manager->emitTo(arguments.nsp, arguments.data, arguments.target);
    if (manager->flush(arguments.timeout)) return 0;
    const std::string error = manager->lastError();
    return fail(1, error.empty() ? "the broker has not taken the event in time" : error);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const auto arguments =
            emit::EmitArguments::parse(std::vector<std::string>(argv + 1, argv + argc));
        if (arguments.help) return std::fputs(emit::EmitArguments::helpText(), stdout) < 0;
        if (arguments.version) return std::puts("poco-socketio-emit " SOCKETIO_VERSION) < 0;
        return run(arguments);
    } catch (const Poco::SyntaxException& e) {
        return fail(2, e.message());
    } catch (const Poco::Exception& e) {
        return fail(1, e.message().empty() ? e.displayText() : e.message());
    } catch (const std::exception& e) {
        return fail(1, e.what());
    }
}
