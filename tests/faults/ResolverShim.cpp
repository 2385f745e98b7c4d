// Preloaded into a server: a name server that does not answer. Every name that ends with ".invalid"
// is looked up for as long as the resolver waits for one, and not found then.
#include <cstring>
#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>

namespace {

constexpr unsigned kPatience = 5;  // seconds: RES_TIMEOUT

}  // namespace

extern "C" int getaddrinfo(const char* __restrict node, const char* __restrict service,
                           const addrinfo* __restrict hints, addrinfo** __restrict result) {
    constexpr char kLost[] = ".invalid";
    const std::size_t size = node ? std::strlen(node) : 0;
    if (size >= sizeof kLost && std::strcmp(node + size - (sizeof kLost - 1), kLost) == 0) {
        ::sleep(kPatience);
        return EAI_AGAIN;
    }
    using Real = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<Real>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(node, service, hints, result);
}
