// poco-socketio, the server program: Socket.IO over HTTP, HTTPS and FastCGI, with applications from
// shared libraries or a chat to try it out.
//
// Exit status: 0 after SIGTERM or SIGINT; 2 when it cannot start, with one line on standard error
// that names what was wrong.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <Poco/Exception.h>

#include "CommandLine.h"
#include "LimitsText.h"
#include "ServerProgram.h"
#include "Settings.h"

namespace {

using namespace socketio;

int check(const std::vector<std::string>& arguments) {
    std::vector<std::string> problems;
    const app::Settings settings = app::Settings::read(arguments, &problems);
    for (const std::string& problem : app::ServerProgram::problems(settings))
        problems.push_back(problem);
    for (const std::string& problem : problems) app::fail(problem);
    if (!problems.empty()) return 2;
    return std::puts("the configuration is good") < 0;
}

/// The handlers of Poco::Util::Application for crashes turn them into abort(): who looks for the
/// fault, a core file or a sanitizer, wants to see the fault itself.
class CrashSignals {
public:
    CrashSignals() {
        for (std::size_t i = 0; i < kCount; ++i) ::sigaction(kNumbers[i], nullptr, &_before[i]);
    }
    void restore() const {
        for (std::size_t i = 0; i < kCount; ++i) ::sigaction(kNumbers[i], &_before[i], nullptr);
    }

private:
    static constexpr int kNumbers[] = {SIGILL, SIGBUS, SIGSEGV, SIGSYS};
    static constexpr std::size_t kCount = sizeof kNumbers / sizeof *kNumbers;
    struct sigaction _before[kCount] = {};
};

int run(const app::Settings& settings, char** argv, std::function<void()> onServing) {
    app::ServerProgram::holdSignals();
    const CrashSignals crashSignals;
    app::ServerProgram program(settings, std::move(onServing));
    crashSignals.restore();
    return program.run(1, argv);
}

/// Leaves the terminal.
void detach() {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int descriptor : {0, 1, 2}) ::dup2(null, descriptor);
    if (null > 2) ::close(null);
    [[maybe_unused]] const int done = ::chdir("/");
}

/// Runs in the background. The parent stays until the child serves, or ends with its status.
int runInBackground(const app::Settings& settings, char** argv) {
    int serving[2];
    if (::pipe2(serving, O_CLOEXEC) != 0) return app::fail(std::string("pipe: ") + strerror(errno));
    const pid_t child = ::fork();
    if (child < 0) return app::fail(std::string("--daemon: ") + std::strerror(errno));
    if (child == 0) {
        ::close(serving[0]);
        ::setsid();
        ::umask(027);
        return run(settings, argv, [told = serving[1]] {
            detach();
            [[maybe_unused]] const ssize_t written = ::write(told, "r", 1);
            ::close(told);
        });
    }
    ::close(serving[1]);
    char byte;
    ssize_t got;
    while ((got = ::read(serving[0], &byte, 1)) < 0 && errno == EINTR) {
    }
    if (got == 1) return 0;
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::vector<std::string> arguments(argv + 1, argv + argc);
        for (const std::string& argument : arguments)
            if (argument == "--check") return check(arguments);
        const app::Settings settings = app::Settings::read(arguments);
        if (settings.help) return std::fputs(app::commandLineHelp().c_str(), stdout) < 0;
        if (settings.version) return std::puts("poco-socketio " SOCKETIO_VERSION) < 0;
        if (settings.showConfig) return std::fputs(settings.configText().c_str(), stdout) < 0;
        if (settings.limits) return std::fputs(app::limitsText(settings).c_str(), stdout) < 0;
        return settings.daemon ? runInBackground(settings, argv) : run(settings, argv, {});
    } catch (const Poco::Exception& e) {
        return app::fail(e.displayText());
    } catch (const std::exception& e) {
        return app::fail(e.what());
    }
}
