#include "Plugin.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <Poco/Manifest.h>

#include "socketio/base/FileDescriptor.h"
#include "socketio/base/Log.h"

#include "ConfigFile.h"

namespace socketio::app {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& problem) {
    throw UsageError("cannot load " + path + ": " + problem);
}

/// A copy of a file under a name that was never used, gone with the object.
class TemporaryCopy {
public:
    explicit TemporaryCopy(const std::string& path) {
        const char* const folder = std::getenv("TMPDIR");
        _path = std::string(folder && *folder ? folder : "/tmp") + "/poco-socketio-XXXXXX.so";
        const FileDescriptor from(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!from.valid()) refuse(path, std::strerror(errno));
        const FileDescriptor to(::mkostemps(_path.data(), 3, O_CLOEXEC));
        if (!to.valid()) refuse(path, "no copy in " + _path + ": " + std::strerror(errno));
        char buffer[65536];
        for (;;) {
            const ssize_t got = ::read(from.get(), buffer, sizeof buffer);
            if (got == 0) return;
            if (got < 0 || ::write(to.get(), buffer, static_cast<std::size_t>(got)) != got) {
                const int error = errno;
                ::unlink(_path.c_str());
                refuse(path, "no copy in " + _path + ": " + std::strerror(error));
            }
        }
    }
    ~TemporaryCopy() { ::unlink(_path.c_str()); }
    TemporaryCopy(const TemporaryCopy&) = delete;
    TemporaryCopy& operator=(const TemporaryCopy&) = delete;
    const std::string& path() const { return _path; }

private:
    std::string _path;
};

/// Why dlopen() refused, without the name of a copy, which says nothing to anybody.
std::string loadError(const std::string& loaded) {
    const char* const problem = ::dlerror();
    std::string text = problem ? problem : "unknown";
    if (text.starts_with(loaded + ": ")) text.erase(0, loaded.size() + 2);
    return text;
}

/// What Poco::ClassLoader does, which opens libraries lazily and for all others to see: a missing
/// function would end the process at its first call, and the functions of a rebuilt library would
/// be those of the one before.
void* open(const std::string& path, bool copy) {
    // Without a slash dlopen() would search the system's folders.
    if (path.find('/') == path.npos) return open("./" + path, copy);
    if (::access(path.c_str(), R_OK) != 0) refuse(path, std::strerror(errno));
    void* library;
    if (copy) {
        const TemporaryCopy file(path);
        library = ::dlopen(file.path().c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!library) refuse(path, loadError(file.path()));
    } else {
        library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!library) refuse(path, loadError(path));
    }
    return library;
}

}  // namespace

std::vector<std::shared_ptr<Application>> loadApplications(const std::string& path, bool copy) {
    using BuildManifest = bool (*)(Poco::ManifestBase*);
    using Interface = unsigned (*)();
    void* const library = open(path, copy);
    const auto interface =
        reinterpret_cast<Interface>(::dlsym(library, "socketioApplicationInterface"));
    const auto build = reinterpret_cast<BuildManifest>(::dlsym(library, "pocoBuildManifest"));
    if (!interface || !build) refuse(path, "it has no application (SOCKETIO_APPLICATION) in it");
    if (interface() != kApplicationInterface)
        refuse(path, "it was compiled for another version of poco-socketio");
    // Kept, as its library is: it owns what makes the objects.
    auto* const manifest = new Poco::Manifest<Application>;
    if (!build(manifest)) refuse(path, "what it exports is no socketio::Application");
    std::vector<std::shared_ptr<Application>> applications;
    try {
        for (auto each = manifest->begin(); each != manifest->end(); ++each)
            applications.emplace_back(each->create());
    } catch (...) {
        refuse(path, "its constructor failed: " + exceptionText());
    }
    if (applications.empty()) refuse(path, "it exports no application");
    return applications;
}

}  // namespace socketio::app
