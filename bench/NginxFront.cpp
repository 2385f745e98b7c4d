#include "NginxFront.h"

#include <fstream>
#include <string>

namespace socketio {

namespace {

constexpr const char* kPassHttp = R"(
            proxy_pass http://measured;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_buffering off;
)";

constexpr const char* kPassFastCgi = R"(
            fastcgi_pass measured;
            fastcgi_keep_conn on;
            fastcgi_buffering off;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param SCRIPT_NAME $fastcgi_script_name;
            fastcgi_param REQUEST_URI $request_uri;
            fastcgi_param SERVER_PROTOCOL $server_protocol;
            fastcgi_param REQUEST_SCHEME $scheme;
            fastcgi_param REMOTE_ADDR $remote_addr;
            fastcgi_param REMOTE_PORT $remote_port;
            fastcgi_param SERVER_ADDR $server_addr;
            fastcgi_param SERVER_PORT $server_port;
            fastcgi_param SERVER_NAME $server_name;
            fastcgi_param HTTP_HOST $http_host;
)";

std::string configuration(const std::string& folder, NginxFront::Pass pass, std::uint16_t port,
                          std::uint16_t serverPort) {
    std::string text = "daemon off;\nmaster_process off;\nerror_log stderr warn;\n";
    text += "pid " + folder + "/pid;\n";
    text += "events { worker_connections 4096; }\nhttp {\n    access_log off;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
        text += "    " + std::string(kind) + "_temp_path " + folder + "/" + kind + ";\n";
    text += "    keepalive_requests 1000000;\n    upstream measured {\n        server 127.0.0.1:" +
            std::to_string(serverPort) +
            ";\n        keepalive 512;\n        keepalive_requests 1000000;\n    }\n";
    text += "    server {\n        listen 127.0.0.1:" + std::to_string(port) +
            ";\n        location / {";
    text += pass == NginxFront::Pass::Http ? kPassHttp : kPassFastCgi;
    return text + "        }\n    }\n}\n";
}

}  // namespace

void NginxFront::start(Pass pass, std::uint16_t serverPort) {
    const std::string& folder = _folder.emplace().path();
    const std::string file = folder + "/nginx.conf";
    const std::uint16_t port = freePort();
    std::ofstream(file) << configuration(folder, pass, port, serverPort);
    _process.start({"nginx", "-e", "stderr", "-p", folder, "-c", file}, port);
}

void NginxFront::stop() {
    _process.stop();
    _folder.reset();
}

}  // namespace socketio
