#include "ClientFiles.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>

#include <Poco/Exception.h>
#include <Poco/File.h>
#include <zlib.h>

#include "socketio/base/Text.h"

#include "HttpFields.h"

namespace socketio {

namespace {

constexpr std::string_view kNames[] = {"socket.io.js",
                                       "socket.io.js.map",
                                       "socket.io.min.js",
                                       "socket.io.min.js.map",
                                       "socket.io.esm.min.js",
                                       "socket.io.esm.min.js.map",
                                       "socket.io.msgpack.min.js",
                                       "socket.io.msgpack.min.js.map"};
constexpr std::size_t kLargestFile = 8 * 1024 * 1024;

/// The whole file; "" when there is none. Throws when it is there and cannot be read.
std::string contents(const std::string& path) {
    const Poco::File file(path);
    if (!file.exists() || !file.isFile()) return {};
    if (file.getSize() > kLargestFile) throw Poco::FileException("too large: \"" + path + "\"");
    std::ifstream in(path, std::ios::binary);
    if (!in) throw Poco::OpenFileException(path);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string gzip(const std::string& plain) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        throw Poco::OutOfMemoryException("gzip");
    std::string packed(deflateBound(&stream, plain.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    const int result = deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    if (result != Z_STREAM_END || packed.size() >= plain.size()) return {};
    return packed;
}

/// What the files themselves say: "Socket.IO v4.8.1" in the comment that begins each of them. A
/// file without it gets a version from its bytes, which serves an ETag as well.
std::string versionOf(const std::string& script) {
    static constexpr std::string_view kBanner = "Socket.IO v";
    const std::string_view head = std::string_view(script).substr(0, 200);
    std::size_t at = head.find(kBanner);
    if (at != head.npos) {
        at += kBanner.size();
        std::size_t end = at;
        const auto fits = [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '-';
        };
        while (end < head.size() && fits(head[end])) ++end;
        if (end > at) return std::string(head.substr(at, end - at));
    }
    char text[32];
    std::snprintf(text, sizeof text, "%lx",
                  static_cast<unsigned long>(crc32(0, reinterpret_cast<const Bytef*>(script.data()),
                                                   static_cast<uInt>(script.size()))));
    return text;
}

}  // namespace

ClientFiles::ClientFiles(const std::string& folder) {
    const Poco::File place(folder);
    if (!place.exists()) throw Poco::FileNotFoundException("client folder \"" + folder + "\"");
    if (!place.isDirectory())
        throw Poco::FileException("client folder \"" + folder + "\" is not a folder");
    for (const std::string_view name : kNames) {
        std::string plain = contents(folder + "/" + std::string(name));
        if (plain.empty()) continue;
        if (_version.empty()) _version = versionOf(plain);
        std::string packed = gzip(plain);
        _files.push_back({name, std::move(plain), std::move(packed)});
    }
    if (_files.empty())
        throw Poco::FileNotFoundException("client folder \"" + folder +
                                          "\" has no socket.io.js and none of its siblings");
}

bool ClientFiles::serve(const Exchange::Ptr& exchange, std::string_view name) const {
    const auto file = std::find_if(_files.begin(), _files.end(),
                                   [&](const File& candidate) { return candidate.name == name; });
    if (file == _files.end()) return false;

    const Environ& environ = exchange->environ();
    if (environ.method() != "GET" && environ.method() != "HEAD") {
        Response refusal = Response::text(405, "Method Not Allowed");
        refusal.headers.add("Allow", "GET, HEAD");
        exchange->respond(std::move(refusal));
        return true;
    }
    const bool packed =
        !file->packed.empty() && CodingWeights::parse(environ["HTTP_ACCEPT_ENCODING"]).gzip > 0;
    // A strong tag stands for one sequence of bytes, so the packed form has the weak one.
    const std::string tag = (packed ? "W/\"" : "\"") + _version + "\"";

    HeaderList headers{{"Cache-Control", "public, max-age=0"},
                       {"ETag", tag},
                       {"Vary", "Accept-Encoding"},
                       {"X-Content-Type-Options", "nosniff"}};
    if (environ.has("HTTP_IF_NONE_MATCH") &&
        matchesEntityTag(environ["HTTP_IF_NONE_MATCH"], tag, true)) {
        exchange->respond({304, std::move(headers), {}});
        return true;
    }
    headers.add("Content-Type", name.ends_with(".map") ? "application/json; charset=utf-8"
                                                       : "application/javascript; charset=utf-8");
    if (packed) headers.add("Content-Encoding", "gzip");
    exchange->respond({200, std::move(headers), packed ? file->packed : file->plain});
    return true;
}

}  // namespace socketio
