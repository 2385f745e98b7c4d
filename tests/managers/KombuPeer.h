#pragma once

#include <string>
#include <vector>

#include "support/ChildProgram.h"

namespace socketio::test {

/// python-socketio's KombuManager as a child process; see kombu_peer.py.
class KombuPeer : public ChildProgram {
public:
    explicit KombuPeer(const std::vector<std::string>& arguments)
        : ChildProgram(command(arguments)) {}

private:
    static std::vector<std::string> command(const std::vector<std::string>& arguments) {
        std::vector<std::string> out{"/usr/bin/python3", "-u", KOMBU_PEER};
        out.insert(out.end(), arguments.begin(), arguments.end());
        return out;
    }
};

}  // namespace socketio::test
