#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include <Poco/TemporaryFile.h>

namespace socketio::test {

/// A folder that lives as long as the object.
class TemporaryFolder {
public:
    TemporaryFolder() : _path(Poco::TemporaryFile::tempName()) {
        std::filesystem::create_directories(_path);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(_path, ignored);  // does not follow links
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::string& path() const { return _path; }
    std::string operator/(const std::string& name) const { return _path + "/" + name; }

    /// Writes a file; folders on its way are made.
    void write(const std::string& name, const std::string& contents) const {
        const std::string path = _path + "/" + name;
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::ofstream(path, std::ios::binary) << contents;
    }

private:
    const std::string _path;
};

}  // namespace socketio::test
