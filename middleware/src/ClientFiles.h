#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "socketio/exchange/Exchange.h"

namespace socketio {

/// The official browser client: the eight files that the official server serves under its path
/// (`socket.io.js`, `.min.js`, `.esm.min.js`, `.msgpack.min.js`, and each with `.map`), read once
/// and kept as they are and packed with gzip.
///
/// Owner:   Middleware.
/// Threads: immutable after construction.
/// Errors:  the constructor throws Poco::FileException (or one derived from it) naming the folder,
///          when it cannot be read or has none of the files. Files that are not there are left out.
class ClientFiles {
public:
    /// `client-dist` of the npm package socket.io, or `dist` of socket.io-client.
    explicit ClientFiles(const std::string& folder);

    /// Answers a GET or HEAD for one of the files; false, and nothing done, for another name.
    bool serve(const Exchange::Ptr& exchange, std::string_view name) const;

    const std::string& version() const { return _version; }

private:
    struct File {
        std::string_view name;
        std::string plain, packed;  // `packed` is empty when it would not be smaller
    };

    std::vector<File> _files;
    std::string _version;
};

}  // namespace socketio
