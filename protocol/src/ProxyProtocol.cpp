#include "socketio/protocol/ProxyProtocol.h"

#include <algorithm>
#include <optional>

#include "socketio/base/Text.h"
#include "socketio/protocol/IpAddress.h"

namespace socketio {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kTextStart = "PROXY ";
constexpr std::size_t kTextBytes = 107;
constexpr std::string_view kBinaryStart = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t kBinaryHead = 16;

constexpr unsigned char kExtensionTls = 0x20;
constexpr std::size_t kTlsBytes = 5;  // flags, and the result of the verification
constexpr unsigned char kClientTls = 0x01;

unsigned char byteAt(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

std::uint16_t shortAt(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(byteAt(bytes, at) << 8 | byteAt(bytes, at + 1));
}

/// True when one is the beginning of the other.
bool agree(std::string_view bytes, std::string_view start) {
    const std::size_t common = std::min(bytes.size(), start.size());
    return bytes.substr(0, common) == start.substr(0, common);
}

/// Up to the next space, which is taken as well.
std::string_view takeWord(std::string_view& line) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return word;
}

bool readPort(std::string_view text, std::uint16_t& port) {
    if (text.size() > 1 && text.front() == '0') return false;
    const auto number = parseNumber<std::uint16_t>(text);
    if (number) port = *number;
    return number.has_value();
}

/// An address of the family that was named; the text form tells the families apart.
bool readAddress(std::string_view text, bool v6, std::string& address) {
    if ((text.find(':') != text.npos) != v6) return false;
    const std::optional<IpAddress> parsed = IpAddress::parse(text);
    if (parsed) address = parsed->text();
    return parsed.has_value();
}

}  // namespace

ProxyHeader::Status ProxyHeader::bad(const char* why) {
    error = why;
    return Status::Bad;
}

ProxyHeader::Status ProxyHeader::parse(std::string_view bytes, std::size_t& size) {
    *this = {};
    size = 0;
    if (bytes.empty()) return Status::Incomplete;
    if (agree(bytes, kTextStart))
        return bytes.size() < kTextStart.size() ? Status::Incomplete : parseText(bytes, size);
    if (agree(bytes, kBinaryStart))
        return bytes.size() < kBinaryHead ? Status::Incomplete : parseBinary(bytes, size);
    return bad("no PROXY header");
}

ProxyHeader::Status ProxyHeader::parseText(std::string_view bytes, std::size_t& size) {
    bytes = bytes.substr(0, kTextBytes);
    const auto control = std::find_if(bytes.begin(), bytes.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f;
    });
    const auto end = static_cast<std::size_t>(control - bytes.begin());
    if (end == bytes.size() || (bytes[end] == '\r' && end + 1 == bytes.size()))
        return bytes.size() < kTextBytes ? Status::Incomplete : bad("PROXY line too long");
    if (bytes[end] != '\r' || bytes[end + 1] != '\n') return bad("bad byte in the PROXY line");

    std::string_view line = bytes.substr(kTextStart.size(), end - kTextStart.size());
    const std::string_view family = takeWord(line);
    if (family != "UNKNOWN") {
        if (family != "TCP4" && family != "TCP6") return bad("bad family in the PROXY line");
        const bool v6 = family == "TCP6";
        if (!readAddress(takeWord(line), v6, sourceAddress) ||
            !readAddress(takeWord(line), v6, destinationAddress))
            return bad("bad address in the PROXY line");
        // The last word is what is left: a space behind it makes it no number.
        if (!readPort(takeWord(line), sourcePort) || !readPort(line, destinationPort))
            return bad("bad port in the PROXY line");
        proxied = true;
    }
    size = end + 2;
    return Status::Complete;
}

ProxyHeader::Status ProxyHeader::parseBinary(std::string_view bytes, std::size_t& size) {
    enum Command : unsigned char { Local = 0x20, Proxy = 0x21 };
    enum Family : unsigned char { Unspecified = 0x00, Tcp4 = 0x11, Tcp6 = 0x21, Unix = 0x31 };
    const unsigned char command = byteAt(bytes, 12), family = byteAt(bytes, 13);
    const std::size_t length = shortAt(bytes, 14);
    if (command != Local && command != Proxy) return bad("bad version or command of PROXY");
    std::size_t addresses = 0;  // of two addresses and two ports
    switch (family) {
        case Unspecified:
            break;
        case Tcp4:
            addresses = 12;
            break;
        case Tcp6:
            addresses = 36;
            break;
        case Unix:
            addresses = 216;
            break;
        default:
            // Whoever speaks for himself may name any family.
            if (command == Proxy) return bad("bad family of PROXY");
    }
    if (length > kMaxBytes - kBinaryHead) return bad("PROXY header too long");
    if (command == Proxy && length < addresses) return bad("PROXY header too short");
    if (bytes.size() < kBinaryHead + length) return Status::Incomplete;
    size = kBinaryHead + length;
    if (command == Local || family == Unspecified) return Status::Complete;

    const std::string_view payload = bytes.substr(kBinaryHead, length);
    if (!readExtensions(payload.substr(addresses))) return bad("bad extension of PROXY");
    if (family == Tcp4 || family == Tcp6) {
        const std::size_t width = family == Tcp4 ? 4 : 16;
        const auto address = family == Tcp4 ? IpAddress::fromV4 : IpAddress::fromV6;
        sourceAddress = address(payload.data()).text();
        destinationAddress = address(payload.data() + width).text();
        sourcePort = shortAt(payload, 2 * width);
        destinationPort = shortAt(payload, 2 * width + 2);
        proxied = true;
    }
    return Status::Complete;
}

/// Type, length, value, and so on to the end; of those that exist one matters here.
bool ProxyHeader::readExtensions(std::string_view bytes) {
    constexpr std::size_t kHead = 3;
    while (!bytes.empty()) {
        if (bytes.size() < kHead) return false;
        const std::size_t length = shortAt(bytes, 1);
        if (bytes.size() < kHead + length) return false;
        if (byteAt(bytes, 0) == kExtensionTls) {
            if (length < kTlsBytes) return false;
            secure = (byteAt(bytes, kHead) & kClientTls) != 0;
        }
        bytes.remove_prefix(kHead + length);
    }
    return true;
}

}  // namespace socketio
