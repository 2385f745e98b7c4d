#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace socketio {

/// A folder that goes with its object, and all that is in it.
class TemporaryFolder {
public:
    TemporaryFolder() : _path((std::filesystem::temp_directory_path() / "bench-XXXXXX").string()) {
        if (!::mkdtemp(_path.data())) throw std::runtime_error("no temporary folder " + _path);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(_path, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::string& path() const { return _path; }

private:
    std::string _path;
};

}  // namespace socketio
