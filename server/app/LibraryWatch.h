#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace socketio::app {

/// Notices that files were written anew, in place or under another name that was then moved.
///
/// Owner:   main(). Threads: one.
/// Errors:  the constructor throws UsageError naming the folder that cannot be watched.
class LibraryWatch {
public:
    explicit LibraryWatch(const std::vector<std::string>& files);
    ~LibraryWatch();
    LibraryWatch(const LibraryWatch&) = delete;
    LibraryWatch& operator=(const LibraryWatch&) = delete;

    /// Readable when something has happened in one of the folders.
    int descriptor() const { return _descriptor; }
    /// Takes what has happened; true when it was to one of the files.
    bool changed();

private:
    int _descriptor;
    std::map<int, std::set<std::string>> _names;  // of a watched folder
};

}  // namespace socketio::app
