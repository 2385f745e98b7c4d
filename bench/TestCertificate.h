#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "TemporaryFolder.h"

namespace socketio {

/// A certificate (P-256, signed by itself) and its key for the servers of a row: cert.pem and
/// key.pem in a temporary folder that goes with it. Made by the command `openssl`.
class TestCertificate {
public:
    TestCertificate() {
        const std::string command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            "-subj /CN=localhost -keyout " +
            folder() + "/key.pem -out " + folder() + "/cert.pem 2>/dev/null";
        if (std::system(command.c_str()) != 0)
            throw std::runtime_error("the command openssl made no certificate");
    }

    const std::string& folder() const { return _folder.path(); }

private:
    TemporaryFolder _folder;
};

}  // namespace socketio
