#pragma once

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include "support/ChildProgram.h"
#include "support/RawClient.h"
#include "support/TlsClient.h"
#include "support/Waiting.h"

namespace socketio::test {

/// nginx, which ends TLS and speaks FastCGI with a server; as in conf/nginx-fastcgi.conf.
///
/// Errors: std::runtime_error when it does not start.
class NginxInFront {
public:
    NginxInFront(std::uint16_t fastCgiPort, const TestCertificates& certificates)
        : _port(freePort()) {
        _folder = (std::filesystem::temp_directory_path() / "socketio-nginx-XXXXXX").string();
        if (!::mkdtemp(_folder.data())) throw std::runtime_error("no temporary folder");
        std::string text = "daemon off;\nworker_processes 1;\nerror_log stderr;\npid " + _folder +
                           "/pid;\nevents { worker_connections 512; }\nhttp {\n  access_log off;\n";
        if (::geteuid() == 0) text = "user root;\n" + text;
        for (const char* const each : {"client_body", "fastcgi", "proxy", "uwsgi", "scgi"})
            text += std::string("  ") + each + "_temp_path " + _folder + "/" + each + ";\n";
        text += "  upstream server { server 127.0.0.1:" + std::to_string(fastCgiPort) +
                "; keepalive 32; }\n  server {\n    listen 127.0.0.1:" + std::to_string(_port) +
                " ssl;\n    ssl_certificate " + certificates.path("server.pem") +
                ";\n    ssl_certificate_key " + certificates.path("server.key") +
                ";\n"
                "    location /socket.io/ {\n"
                "      include /etc/nginx/fastcgi_params;\n"
                "      fastcgi_param HTTP_HOST $http_host;\n"
                "      fastcgi_param SCRIPT_NAME \"\";\n"
                "      fastcgi_param PATH_INFO $uri;\n"
                "      fastcgi_pass server;\n"
                "      fastcgi_keep_conn on;\n"
                "      fastcgi_buffering off;\n"
                "      fastcgi_request_buffering off;\n"
                "      client_max_body_size 2m;\n"
                "    }\n  }\n}\n";
        std::ofstream(_folder + "/nginx.conf") << text;
        _program = std::make_unique<ChildProgram>(std::vector<std::string>{
            "/usr/sbin/nginx", "-p", _folder, "-c", _folder + "/nginx.conf"});
        const bool listens = eventually([&] {
            try {
                const RawClient client(_port);
                return true;
            } catch (const std::runtime_error&) {
                return false;
            }
        });
        if (!listens) throw std::runtime_error("nginx does not listen: " + _program->error());
    }
    ~NginxInFront() {
        // Its worker ends with it, and would not with a program that is killed.
        try {
            _program->signal(SIGTERM);
            _program->wait();
        } catch (const std::exception&) {
        }
        std::error_code ignored;
        std::filesystem::remove_all(_folder, ignored);
    }
    NginxInFront(const NginxInFront&) = delete;
    NginxInFront& operator=(const NginxInFront&) = delete;

    std::uint16_t port() const { return _port; }

private:
    const std::uint16_t _port;
    std::string _folder;
    std::unique_ptr<ChildProgram> _program;
};

}  // namespace socketio::test
