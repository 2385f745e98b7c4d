#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace socketio::test {

/// A few numbers in a file that a library preloaded into a server reads, or writes, at any time.
///
/// Owner: the test; the file goes with it. Threads: thread-safe.
class SharedNumbers {
public:
    static constexpr std::size_t kCount = 3;

    SharedNumbers() {
        const int file = ::mkstemp(_path.data());
        if (file < 0 || ::ftruncate(file, kSize) != 0)
            throw std::runtime_error("no file for " + _path);
        void* const page = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        ::close(file);
        if (page == MAP_FAILED) throw std::runtime_error("mmap");
        _numbers = static_cast<std::atomic<std::int64_t>*>(page);
    }
    ~SharedNumbers() {
        ::munmap(_numbers, kSize);
        ::unlink(_path.c_str());
    }
    SharedNumbers(const SharedNumbers&) = delete;
    SharedNumbers& operator=(const SharedNumbers&) = delete;

    const std::string& path() const { return _path; }
    std::atomic<std::int64_t>& operator[](std::size_t index) { return _numbers[index]; }

private:
    static constexpr std::size_t kSize = kCount * sizeof(std::int64_t);

    std::string _path = "/tmp/socketio-numbers-XXXXXX";
    std::atomic<std::int64_t>* _numbers = nullptr;
};

}  // namespace socketio::test
