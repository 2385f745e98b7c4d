#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace socketio::test {

/// A folder of a test's own, gone with the object.
class ProgramFolder {
public:
    ProgramFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "socketio-app-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
        _path = name;
        // Web servers read here as users of their own.
        std::filesystem::permissions(_path, std::filesystem::perms(0755));
    }
    ~ProgramFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(_path, ignored);
    }
    ProgramFolder(const ProgramFolder&) = delete;
    ProgramFolder& operator=(const ProgramFolder&) = delete;

    std::string operator/(const std::string& name) const { return (_path / name).string(); }
    /// Writes a file and returns its path.
    std::string write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((_path / name).parent_path());
        std::ofstream(_path / name) << text;
        return *this / name;
    }
    std::string read(const std::string& name) const { return readFile(*this / name); }

    static std::string readFile(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }

private:
    std::filesystem::path _path;
};

}  // namespace socketio::test
