// PROXY headers: the verdict is the same however the bytes are cut, nothing beyond the header or
// the limit is taken, and the addresses are addresses.
#include <string>
#include <vector>

#include "socketio/protocol/IpAddress.h"
#include "socketio/protocol/ProxyProtocol.h"

#include "Pieces.h"

namespace {

using socketio::IpAddress;
using socketio::ProxyHeader;
using socketio::fuzz::Exact;
using socketio::fuzz::require;
using Status = ProxyHeader::Status;

struct Reading {
    Status status = Status::Incomplete;
    std::size_t size = 0;
    bool proxied = false, secure = false;
    std::string source, destination;
    int sourcePort = 0, destinationPort = 0;

    bool operator==(const Reading&) const = default;
};

Reading readPieces(const std::vector<std::string_view>& pieces) {
    Reading reading;
    socketio::fuzz::growing(pieces, [&](const Exact& all) {
        ProxyHeader header;
        std::size_t size = 0;
        reading.status = header.parse(all, size);
        if (reading.status == Status::Incomplete) return false;
        if (reading.status == Status::Bad) {
            require(*header.error != '\0', "a bad header has a reason");
            return true;
        }
        require(size <= all.size() && size <= ProxyHeader::kMaxBytes, "the size of the header");
        reading = {reading.status,       size,
                   header.proxied,       header.secure,
                   header.sourceAddress, header.destinationAddress,
                   header.sourcePort,    header.destinationPort};
        return true;
    });
    return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = socketio::fuzz::view(data, size);
    const Reading whole = socketio::fuzz::sameHoweverCut(input, readPieces);
    if (whole.status == Status::Incomplete)
        require(size < ProxyHeader::kMaxBytes, "nobody waits for more than the limit");
    if (whole.proxied)
        require(IpAddress::parse(whole.source) && IpAddress::parse(whole.destination),
                "addresses are addresses");
    else
        require(whole.source.empty() && whole.destination.empty(), "no addresses");
    return 0;
}
