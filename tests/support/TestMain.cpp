// main() of every CppUnit program: runs all registered tests, or those whose name contains one of
// the arguments, and ends with the line that `./dev test` adds up: "N passed, N failed".
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/ConsoleChannel.h>
#include <Poco/Logger.h>
#include <Poco/NullChannel.h>
#include <cppunit/Exception.h>
#include <cppunit/SourceLine.h>
#include <cppunit/Test.h>
#include <cppunit/TestFailure.h>
#include <cppunit/TestListener.h>
#include <cppunit/TestResult.h>
#include <cppunit/TestSuite.h>
#include <cppunit/extensions/TestFactoryRegistry.h>

namespace {

class Reporter : public CppUnit::TestListener {
public:
    void startTest(CppUnit::Test* test) override {
        _failed = false;
        _begin = std::chrono::steady_clock::now();
        if (verbose) std::fprintf(stderr, "%s ...\n", test->getName().c_str());
    }
    void addFailure(const CppUnit::TestFailure& failure) override {
        _failed = true;
        const CppUnit::Exception* e = failure.thrownException();
        std::fprintf(stderr, "FAILED %s\n    %s:%d\n    %s\n    %s\n",
                     failure.failedTestName().c_str(), e->sourceLine().fileName().c_str(),
                     e->sourceLine().lineNumber(), e->message().shortDescription().c_str(),
                     e->message().details().c_str());
    }
    void endTest(CppUnit::Test* test) override {
        ++(_failed ? failed : passed);
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - _begin).count();
        if (seconds > 2) std::fprintf(stderr, "%s took %.1f s\n", test->getName().c_str(), seconds);
    }

    bool verbose = false;
    int passed = 0, failed = 0;

private:
    bool _failed = false;
    std::chrono::steady_clock::time_point _begin;
};

void collect(CppUnit::Test* test, std::vector<CppUnit::Test*>& out) {
    if (test->getChildTestCount() == 0) {
        if (test->countTestCases() > 0) out.push_back(test);
        return;
    }
    for (int i = 0; i < test->getChildTestCount(); ++i) collect(test->getChildTestAt(i), out);
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    // What the servers under test log is seen when it is asked for.
    Poco::AutoPtr<Poco::Channel> log(new Poco::NullChannel);
    if (std::getenv("SOCKETIO_TEST_LOG")) log = new Poco::ConsoleChannel;
    Poco::Logger::root().setChannel(log);
    Reporter reporter;
    std::vector<std::string> filters;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "-v") == 0)
            reporter.verbose = true;
        else
            filters.emplace_back(argv[i]);
    }
    const std::unique_ptr<CppUnit::Test> root(
        CppUnit::TestFactoryRegistry::getRegistry().makeTest());
    std::vector<CppUnit::Test*> tests;
    collect(root.get(), tests);
    CppUnit::TestResult result;
    result.addListener(&reporter);
    for (CppUnit::Test* test : tests) {
        bool wanted = filters.empty();
        for (const std::string& filter : filters)
            wanted = wanted || test->getName().find(filter) != std::string::npos;
        if (wanted) test->run(&result);
    }
    std::printf("%d passed, %d failed\n", reporter.passed, reporter.failed);
    return reporter.failed == 0 && reporter.passed > 0 ? 0 : 1;
}
