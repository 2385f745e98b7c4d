// main() of the fuzz targets where libFuzzer is not linked: runs every file of the directories (or
// the files) given, and for each also its truncations at a few places, which cost no seeds of
// their own. Ends with the line that `./dev test` adds up; a crash ends it earlier.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void runOn(const std::string& bytes, std::size_t size) {
    // A copy of exactly this size, so that the address sanitizer sees a read beyond its end.
    const auto exact = std::make_unique<std::uint8_t[]>(size);
    std::copy_n(bytes.begin(), size, exact.get());
    LLVMFuzzerTestOneInput(exact.get(), size);
}

bool runFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
    if (!file.good() && !file.eof()) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        return false;
    }
    runOn(bytes, bytes.size());
    const std::size_t step = std::max<std::size_t>(1, bytes.size() / 64);
    for (std::size_t size = 0; size < bytes.size(); size += step) runOn(bytes, size);
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::filesystem::path> files;
    int passed = 0, failed = 0;
    for (int i = 1; i < argc; ++i) {
        std::error_code error;
        if (std::filesystem::is_regular_file(argv[i], error)) {
            files.emplace_back(argv[i]);
            continue;
        }
        std::filesystem::directory_iterator entries(argv[i], error);
        if (error) {
            std::fprintf(stderr, "%s: %s\n", argv[i], error.message().c_str());
            ++failed;
            continue;
        }
        for (const auto& entry : entries)
            if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        std::fprintf(stderr, "%s\n", file.c_str());  // before it runs, as a fault aborts
        ++(runFile(file) ? passed : failed);
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
