// Request heads: the verdict is the same however the bytes are cut, nothing that could be
// understood differently gets through, and what was read is read again from its own parts.
#include <optional>
#include <string>
#include <vector>

#include "socketio/protocol/HttpHead.h"

#include "Pieces.h"

namespace {

using socketio::HttpRequestHead;
using socketio::fuzz::Exact;
using socketio::fuzz::require;
using Status = HttpRequestHead::Status;

/// A head without views, so that it outlives its bytes.
struct Reading {
    Status status = Status::Incomplete;
    int error = 0;
    std::string why;
    std::size_t size = 0;
    std::string method, target, path, query, host;
    int minorVersion = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    std::optional<std::uint64_t> contentLength;
    bool chunked = false, keepAlive = false, upgrade = false, expect = false, webSocket = false;

    bool operator==(const Reading&) const = default;
};

Reading readPieces(const std::vector<std::string_view>& pieces) {
    HttpRequestHead head;
    Reading reading;
    std::size_t scanned = 0;
    socketio::fuzz::growing(pieces, [&](const Exact& all) {
        std::size_t size = 0;
        reading.status = head.parse(all, size, scanned, {});
        if (reading.status == Status::Incomplete) return false;
        if (reading.status == Status::Bad) {
            reading.error = head.errorStatus;
            reading.why = head.error;
            return true;
        }
        require(size <= all.size(), "the head is not longer than the input");
        reading.size = size;
        reading.method = head.method;
        reading.target = head.target;
        reading.path = head.path;
        reading.query = head.query;
        reading.host = head.host;
        reading.minorVersion = head.minorVersion;
        for (const auto& field : head.fields) reading.fields.emplace_back(field.name, field.value);
        reading.contentLength = head.contentLength;
        reading.chunked = head.chunked;
        reading.keepAlive = head.keepAlive;
        reading.upgrade = head.upgrade;
        reading.expect = head.expectContinue;
        reading.webSocket = head.upgradeWebSocket;
        return true;
    });
    return reading;
}

bool hasControl(const std::string& text) {
    for (const char c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F) return true;
    return false;
}

void checkComplete(const Reading& reading) {
    require(!hasControl(reading.target) && !hasControl(reading.method), "no control characters");
    require(!reading.path.empty() && (reading.path.front() == '/' || reading.path == "*"),
            "a path begins with a slash");
    require(!(reading.chunked && reading.contentLength), "one framing");
    require(reading.fields.size() <= HttpRequestHead::Limits().fields, "number of fields");
    std::string again = reading.method + " " + reading.target + " HTTP/1." +
                        std::to_string(reading.minorVersion) + "\r\n";
    for (const auto& [name, value] : reading.fields) {
        require(!name.empty() && !hasControl(value), "a clean field");
        again += name + ": " + value + "\r\n";
    }
    again += "\r\n";
    Reading second = readPieces({again});
    // One space per field may have come along, and with it the head may be over a limit.
    if (second.status == Status::Bad && (second.error == 431 || second.error == 414)) return;
    second.size = reading.size;
    require(second == reading, "the same head from its own parts");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = socketio::fuzz::view(data, size);
    const Reading whole = socketio::fuzz::sameHoweverCut(input, readPieces);
    if (whole.status == Status::Complete) checkComplete(whole);
    return 0;
}
