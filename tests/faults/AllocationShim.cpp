// Preloaded into a server: allocations fail as the file SOCKETIO_ALLOCATIONS says, which may change
// at any time: three numbers of 64 bits.
//
//     one in so many fails; 0: none
//     those larger than this fail; 0: none
//     how many have failed, which is counted here
//
// The functions of the C library itself are called by their other names, since those that look
// symbols up allocate memory.
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

struct Orders {
    std::atomic<std::uint64_t> oneIn, above, failed;
};

// Before main() nothing is to fail, and getenv() may be called.
Orders* orders = nullptr;

__attribute__((constructor)) void readOrders() {
    const char* const name = std::getenv("SOCKETIO_ALLOCATIONS");
    const int file = name ? ::open(name, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void* const page = ::mmap(nullptr, sizeof(Orders), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (page != MAP_FAILED) orders = static_cast<Orders*>(page);
}

bool fails(std::size_t size) {
    if (!orders) return false;
    const std::uint64_t above = orders->above.load(std::memory_order_relaxed);
    bool fail = above > 0 && size > above;
    if (const std::uint64_t oneIn = orders->oneIn.load(std::memory_order_relaxed); oneIn > 0) {
        static thread_local std::uint64_t state = 88172645463325252U;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        fail = fail || state % oneIn == 0;
    }
    if (!fail) return false;
    orders->failed.fetch_add(1, std::memory_order_relaxed);
    errno = ENOMEM;
    return true;
}

}  // namespace

extern "C" void* malloc(std::size_t size) noexcept {
    return fails(size) ? nullptr : __libc_malloc(size);
}

extern "C" void* calloc(std::size_t count, std::size_t size) noexcept {
    return fails(count * size) ? nullptr : __libc_calloc(count, size);
}

extern "C" void* realloc(void* old, std::size_t size) noexcept {
    return fails(size) ? nullptr : __libc_realloc(old, size);
}

extern "C" void* memalign(std::size_t alignment, std::size_t size) noexcept {
    return fails(size) ? nullptr : __libc_memalign(alignment, size);
}

extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    return fails(size) ? nullptr : __libc_memalign(alignment, size);
}

extern "C" int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
    if (fails(size)) return ENOMEM;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}
