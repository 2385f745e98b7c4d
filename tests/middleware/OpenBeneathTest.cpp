#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

#include <cppunit/extensions/HelperMacros.h>

#include "OpenBeneath.h"
#include "TemporaryFolder.h"

namespace socketio {

/// Both ways to open have to agree: which of them runs depends on the kernel.
class OpenBeneathTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(OpenBeneathTest);
    CPPUNIT_TEST(opensWhatIsInside);
    CPPUNIT_TEST(opensNothingOutside);
    CPPUNIT_TEST(doesNotWaitForAPipe);
    CPPUNIT_TEST(isNotFooledByANeighbourWithTheSamePrefix);
    CPPUNIT_TEST_SUITE_END();

    using Open = FileDescriptor (*)(const std::string&, const std::string&);
    static constexpr Open kWays[] = {openBeneath, openBeneathByName};

public:
    void setUp() override {
        folder.write("inside/file.txt", "in");
        folder.write("inside/deep/er/file.txt", "deep");
        folder.write("outside.txt", "out");
        folder.write("inside-neighbour/file.txt", "near");
    }

    void link(const std::string& to, const std::string& name) {
        CPPUNIT_ASSERT_EQUAL(0, ::symlink(to.c_str(), (folder / name).c_str()));
    }

    void opensWhatIsInside() {
        link("deep/er", "inside/link");
        link("../../file.txt", "inside/deep/er/up");
        for (const Open open : kWays)
            for (const char* path :
                 {"file.txt", "deep/er/file.txt", "link/file.txt", "deep/er/up", ".", "deep"})
                CPPUNIT_ASSERT_MESSAGE(path, open(folder / "inside", path).valid());
    }

    void opensNothingOutside() {
        link("../outside.txt", "inside/relative");
        link(folder / "outside.txt", "inside/absolute");
        link("..", "inside/parent");
        link("/", "inside/root");
        link("/proc/self/cwd", "inside/magic");
        for (const Open open : kWays) {
            for (const char* path :
                 {"../outside.txt", "deep/../../outside.txt", "relative", "absolute",
                  "parent/outside.txt", "root/etc/passwd", "parent", "magic", "/etc/passwd"}) {
                const FileDescriptor opened = open(folder / "inside", path);
                CPPUNIT_ASSERT_MESSAGE(path, !opened.valid());
            }
            CPPUNIT_ASSERT(!open(folder / "inside", "missing").valid());
            CPPUNIT_ASSERT_EQUAL(ENOENT, errno);
            CPPUNIT_ASSERT(!open(folder / "inside", "../outside.txt").valid());
            CPPUNIT_ASSERT_EQUAL(EXDEV, errno);
        }
    }

    void doesNotWaitForAPipe() {
        CPPUNIT_ASSERT_EQUAL(0, ::mkfifo((folder / "inside/pipe").c_str(), 0600));
        for (const Open open : kWays) CPPUNIT_ASSERT(open(folder / "inside", "pipe").valid());
    }

    void isNotFooledByANeighbourWithTheSamePrefix() {
        for (const Open open : kWays)
            CPPUNIT_ASSERT(!open(folder / "inside", "../inside-neighbour/file.txt").valid());
    }

private:
    test::TemporaryFolder folder;
};
CPPUNIT_TEST_SUITE_REGISTRATION(OpenBeneathTest);

}  // namespace socketio
