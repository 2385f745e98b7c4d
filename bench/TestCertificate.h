#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace socketio {

/// A certificate (P-256, signed by itself) and its key for the servers of a row: cert.pem and
/// key.pem in a temporary folder that goes with it. Made by the command `openssl`.
class TestCertificate {
public:
    TestCertificate() {
        std::string folder = (std::filesystem::temp_directory_path() / "bench-tls-XXXXXX").string();
        if (!::mkdtemp(folder.data())) throw std::runtime_error("no temporary folder");
        _folder = folder;
        const std::string command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            "-subj /CN=localhost -keyout " +
            _folder + "/key.pem -out " + _folder + "/cert.pem 2>/dev/null";
        if (std::system(command.c_str()) == 0) return;
        remove();
        throw std::runtime_error("the command openssl made no certificate");
    }
    ~TestCertificate() { remove(); }
    TestCertificate(const TestCertificate&) = delete;
    TestCertificate& operator=(const TestCertificate&) = delete;

    const std::string& folder() const { return _folder; }

private:
    void remove() const {
        std::error_code ignored;
        std::filesystem::remove_all(_folder, ignored);
    }

    std::string _folder;
};

}  // namespace socketio
