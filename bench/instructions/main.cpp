// Counts the instructions of the hot paths, with callgrind, and compares them with the committed
// counts. See bench/README.md, "Instructions".

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "../TemporaryFolder.h"
#include "Case.h"

namespace socketio {

void require(bool good, const char* what) {
    if (!good) throw std::runtime_error(std::string("it failed: ") + what);
}

std::string maskedFrame(std::string_view payload, int opcode) {
    constexpr std::array<unsigned char, 4> kMask{0x37, 0xfa, 0x21, 0x3d};
    std::string frame(1, static_cast<char>(0x80 | opcode));
    const int wide = payload.size() < 126 ? 0 : payload.size() < 65'536 ? 2 : 8;
    frame.push_back(static_cast<char>(0x80 | (wide == 0   ? static_cast<int>(payload.size())
                                              : wide == 2 ? 126
                                                          : 127)));
    for (int byte = wide - 1; byte >= 0; --byte)
        frame.push_back(static_cast<char>(payload.size() >> (8 * byte)));
    for (const unsigned char byte : kMask) frame.push_back(static_cast<char>(byte));
    for (std::size_t i = 0; i < payload.size(); ++i)
        frame.push_back(static_cast<char>(payload[i] ^ kMask[i % 4]));
    return frame;
}

namespace {

constexpr double kTolerance = 0.1;

#if defined(__clang__)
constexpr const char* kCompiler = "clang++ " __clang_version__ ", " SOCKETIO_BUILD_TYPE;
#else
constexpr const char* kCompiler = "g++ " __VERSION__ ", " SOCKETIO_BUILD_TYPE;
#endif

constexpr const char* kUsage =
    "usage: instruction-counts [--only CASE] [--update]\n"
    "       instruction-counts --run CASE OPERATIONS\n"
    "\n"
    "  --only CASE  only the cases that begin with it\n"
    "  --update     writes the counts to " SOCKETIO_INSTRUCTION_COUNTS
    "\n"
    "  --run        does the work of one case; for callgrind\n"
    "\n"
    "cases:";

std::vector<Case> allCases() {
    std::vector<Case> all = codecCases();
    for (Case& each : serverCases()) all.push_back(std::move(each));
    return all;
}

/// The committed counts, and what they were made with.
struct Committed {
    std::string compiler;
    std::map<std::string, std::uint64_t> counts;

    static Committed read() {
        Committed committed;
        std::ifstream file(SOCKETIO_INSTRUCTION_COUNTS);
        for (std::string line; std::getline(file, line);) {
            std::istringstream words(line);
            std::string name;
            if (!(words >> name) || name[0] == '#') continue;
            if (name == "compiler")
                std::getline(words >> std::ws, committed.compiler);
            else
                words >> committed.counts[name];
        }
        return committed;
    }

    void write(const std::vector<Case>& cases) const {
        std::ofstream file(SOCKETIO_INSTRUCTION_COUNTS);
        file << "# Instructions per operation: see bench/README.md, \"Instructions\".\n"
                "# Written by `./dev bench --instructions --update`.\n"
             << "compiler " << compiler << '\n';
        for (const Case& each : cases)
            if (const auto found = counts.find(each.name); found != counts.end())
                file << each.name << ' ' << found->second << '\n';
        file.close();
        if (!file) throw std::runtime_error("cannot write " SOCKETIO_INSTRUCTION_COUNTS);
    }
};

/// One run of a case under callgrind, as a child process.
class CountedRun {
public:
    CountedRun(const TemporaryFolder& folder, const std::string& name, std::uint64_t operations)
        : _profile(folder.path() + "/" + name + "." + std::to_string(operations)),
          _log(_profile + ".log") {
        const std::string own = "/proc/self/exe";
        std::array<char, 4096> path{};
        if (::readlink(own.c_str(), path.data(), path.size() - 1) < 0)
            throw std::runtime_error("readlink failed");
        std::vector<std::string> words{"valgrind",
                                       "--tool=callgrind",
                                       "--cache-sim=no",
                                       "--callgrind-out-file=" + _profile,
                                       "--log-file=" + _log,
                                       path.data(),
                                       "--run",
                                       name,
                                       std::to_string(operations)};
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        _pid = ::fork();
        if (_pid < 0) throw std::runtime_error("fork failed");
        if (_pid == 0) {
            ::execvp(argv[0], argv.data());
            ::_exit(127);
        }
    }
    ~CountedRun() { wait(); }
    CountedRun(const CountedRun&) = delete;
    CountedRun& operator=(const CountedRun&) = delete;

    /// All instructions of the process. Throws when it did not come to its end.
    std::uint64_t instructions() {
        wait();
        if (_status != 0) throw std::runtime_error("a run under valgrind failed");
        std::ifstream file(_profile);
        for (std::string line; std::getline(file, line);) {
            constexpr std::string_view kTotals = "totals: ";
            if (!line.starts_with(kTotals)) continue;
            return std::strtoull(line.c_str() + kTotals.size(), nullptr, 10);
        }
        throw std::runtime_error("callgrind wrote no totals");
    }

private:
    void wait() {
        if (_pid > 0) ::waitpid(_pid, &_status, 0);
        _pid = -1;
    }

    const std::string _profile, _log;
    pid_t _pid = -1;
    int _status = -1;
};

/// What a longer run needs more than a shorter one, per operation: neither what is set up once nor
/// the start of the program is in it.
std::uint64_t count(const TemporaryFolder& folder, const Case& each) {
    const std::uint64_t first = std::max<std::uint64_t>(each.operations / 4, 1);
    CountedRun shorter(folder, each.name, first);
    CountedRun longer(folder, each.name, first + each.operations);
    const std::uint64_t more = longer.instructions() - shorter.instructions();
    return (more + each.operations / 2) / each.operations;
}

int runCase(std::string_view name, std::string_view number) {
    std::uint64_t operations = 0;
    const char* const end = number.data() + number.size();
    if (std::from_chars(number.data(), end, operations).ptr != end)
        throw std::runtime_error("bad number " + std::string(number));
    for (const Case& each : allCases()) {
        if (each.name != name) continue;
        each.run(operations);
        std::_Exit(0);  // taking down what was set up is not counted
    }
    throw std::runtime_error("no case " + std::string(name));
}

int summary(std::size_t passed, std::size_t failed, std::size_t skipped) {
    std::printf("%zu passed, %zu failed", passed, failed);
    if (skipped > 0) std::printf(", %zu skipped", skipped);
    std::puts("");
    return failed > 0 ? 1 : 0;
}

int compare(const std::string& only, bool update) {
    std::vector<Case> cases = allCases();
    Committed committed = Committed::read();
    const std::vector<Case> all = cases;
    std::erase_if(cases, [&](const Case& each) { return !each.name.starts_with(only); });
    if (cases.empty()) throw std::runtime_error("no case " + only);
    if (std::system("valgrind --version >/dev/null 2>&1") != 0) {
        std::puts("there is no valgrind to count with: install the package valgrind");
        return summary(0, 0, cases.size());
    }
    if (!update && committed.compiler != kCompiler) {
        std::printf(
            "the committed counts are those of %s, this was built by %s, which makes other "
            "code: nothing to compare with (--update writes counts of it)\n",
            committed.compiler.c_str(), kCompiler);
        return summary(0, 0, cases.size());
    }
    if (update && committed.compiler != kCompiler && only.empty()) committed.counts.clear();
    if (update) committed.compiler = kCompiler;

    const TemporaryFolder folder;
    std::size_t failed = 0;
    std::printf("instructions per operation, %s\n\n%-18s %-40s %11s %11s %8s\n", kCompiler, "", "",
                "now", "committed", "change");
    for (const Case& each : cases) {
        const std::uint64_t now = count(folder, each);
        std::printf("%-18s %-40s %11llu ", each.name.c_str(), each.title.c_str(),
                    static_cast<unsigned long long>(now));
        const auto before = committed.counts.find(each.name);
        if (before == committed.counts.end()) {
            std::printf("%11s\n", "-");
            if (!update) {
                std::puts("  ! it has no committed count");
                ++failed;
            }
        } else {
            const double change =
                static_cast<double>(now) / static_cast<double>(before->second) - 1;
            std::printf("%11llu %+7.1f %%\n", static_cast<unsigned long long>(before->second),
                        change * 100);
            if (change > kTolerance && !update) {
                std::printf("  ! more than %.0f %% slower\n", kTolerance * 100);
                ++failed;
            }
        }
        std::fflush(stdout);
        if (update) committed.counts[each.name] = now;
    }
    if (update) committed.write(all);
    if (failed > 0)
        std::puts(
            "\nIf that is worth it, say why in the commit, and commit the counts that\n"
            "`./dev bench --instructions --update` writes.");
    std::puts("");
    return summary(cases.size() - failed, failed, 0);
}

int run(const std::vector<std::string>& arguments) {
    std::string only;
    bool update = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--run" && i + 2 < arguments.size()) {
            return runCase(arguments[i + 1], arguments[i + 2]);
        } else if (arguments[i] == "--only" && i + 1 < arguments.size()) {
            only = arguments[++i];
        } else if (arguments[i] == "--update") {
            update = true;
        } else {
            std::puts(kUsage);
            for (const Case& each : allCases())
                std::printf("  %-18s %s\n", each.name.c_str(), each.title.c_str());
            return arguments[i] == "--help" ? 0 : 2;
        }
    }
    return compare(only, update);
}

}  // namespace

}  // namespace socketio

int main(int argc, char** argv) {
    try {
        return socketio::run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "instruction-counts: %s\n", error.what());
        return 2;
    }
}
