#include "socketio/fcgi/FcgiRecord.h"

#include <algorithm>
#include <cstring>

namespace socketio {

namespace {

constexpr unsigned char kVersion = 1;
constexpr std::size_t kLongLength = 128;  // from here on a length takes four bytes

char byte(std::size_t value, int shift = 0) { return static_cast<char>((value >> shift) & 0xff); }

std::uint16_t twoBytes(const unsigned char* at) {
    return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

void appendLength(std::string& out, std::size_t length) {
    if (length < kLongLength) {
        out += byte(length);
        return;
    }
    const char bytes[] = {static_cast<char>(byte(length, 24) | '\x80'), byte(length, 16),
                          byte(length, 8), byte(length)};
    out.append(bytes, sizeof bytes);
}

/// Reads a length at `at` and moves behind it; false when it is not there whole.
bool readLength(std::string_view bytes, std::size_t& at, std::size_t& length) {
    if (at == bytes.size()) return false;
    const auto first = static_cast<unsigned char>(bytes[at]);
    if (first < kLongLength) {
        length = first;
        ++at;
        return true;
    }
    if (bytes.size() - at < 4) return false;
    length = first & 0x7f;
    for (int i = 1; i < 4; ++i)
        length = length << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
    at += 4;
    return true;
}

}  // namespace

void appendFcgiHeader(std::string& out, FcgiRecord::Type type, std::uint16_t id,
                      std::size_t length) {
    const char header[FcgiRecord::kHeaderBytes] = {static_cast<char>(kVersion),
                                                   static_cast<char>(type),
                                                   byte(id, 8),
                                                   byte(id),
                                                   byte(length, 8),
                                                   byte(length),
                                                   0,
                                                   0};
    out.append(header, sizeof header);
}

void appendFcgiStream(std::string& out, FcgiRecord::Type type, std::uint16_t id,
                      std::string_view bytes) {
    while (!bytes.empty()) {
        const std::string_view part = bytes.substr(0, FcgiRecord::kMaxContent);
        bytes.remove_prefix(part.size());
        appendFcgiHeader(out, type, id, part.size());
        out.append(part);
    }
}

void appendFcgiBeginRequest(std::string& out, std::uint16_t id, std::uint16_t role,
                            std::uint8_t flags) {
    appendFcgiHeader(out, FcgiRecord::Type::BeginRequest, id, 8);
    const char body[8] = {byte(role, 8), byte(role), static_cast<char>(flags), 0, 0, 0, 0, 0};
    out.append(body, sizeof body);
}

void appendFcgiEndRequest(std::string& out, std::uint16_t id, std::uint32_t appStatus,
                          FcgiRecord::Status status) {
    appendFcgiHeader(out, FcgiRecord::Type::EndRequest, id, 8);
    const char body[8] = {byte(appStatus, 24),
                          byte(appStatus, 16),
                          byte(appStatus, 8),
                          byte(appStatus),
                          static_cast<char>(status),
                          0,
                          0,
                          0};
    out.append(body, sizeof body);
}

void appendFcgiUnknownType(std::string& out, std::uint8_t type) {
    appendFcgiHeader(out, FcgiRecord::Type::UnknownType, 0, 8);
    const char body[8] = {static_cast<char>(type), 0, 0, 0, 0, 0, 0, 0};
    out.append(body, sizeof body);
}

void appendFcgiPair(std::string& out, std::string_view name, std::string_view value) {
    appendLength(out, name.size());
    appendLength(out, value.size());
    out.append(name).append(value);
}

// -------------------------------------------------------------------------------------------------

FcgiRecordReader::Event FcgiRecordReader::next(std::string_view& input) {
    for (;;) {
        switch (_state) {
            case State::Header: {
                const std::size_t part =
                    std::min(input.size(), static_cast<std::size_t>(sizeof _header - _headerBytes));
                if (part > 0) std::memcpy(_header + _headerBytes, input.data(), part);
                _headerBytes = static_cast<std::uint8_t>(_headerBytes + part);
                input.remove_prefix(part);
                if (_headerBytes > 0 && _header[0] != kVersion) {
                    _state = State::Bad;
                    return Event::Bad;
                }
                if (_headerBytes < sizeof _header) return Event::NeedMore;
                _headerBytes = 0;
                _record.type = static_cast<FcgiRecord::Type>(_header[1]);
                _record.id = twoBytes(_header + 2);
                _record.contentLength = twoBytes(_header + 4);
                _record.paddingLength = _header[6];  // the last byte is reserved
                _left = _record.contentLength;
                _state = State::Content;
                return Event::Record;
            }
            case State::Content:
                if (_left == 0) {
                    _left = _record.paddingLength;
                    _state = State::Padding;
                    return Event::End;
                }
                if (input.empty()) return Event::NeedMore;
                _content = input.substr(0, _left);
                _left -= _content.size();
                input.remove_prefix(_content.size());
                return Event::Content;
            case State::Padding: {
                const std::size_t part = std::min(input.size(), _left);
                input.remove_prefix(part);
                _left -= part;
                if (_left > 0) return Event::NeedMore;
                _state = State::Header;
                break;
            }
            case State::Bad:
                return Event::Bad;
        }
    }
}

// -------------------------------------------------------------------------------------------------

bool FcgiPairs::append(std::string_view piece, const Limits& limits) {
    if (_refused) return false;
    if (piece.size() <= limits.bytes - std::min(limits.bytes, _bytes.size())) {
        _bytes.append(piece);
        if (scan(limits)) return true;
    }
    clear();
    _refused = true;
    return false;
}

/// Notes the pairs that are there whole.
bool FcgiPairs::scan(const Limits& limits) {
    for (;;) {
        std::size_t at = _at, nameLength = 0, valueLength = 0;
        if (!readLength(_bytes, at, nameLength)) return true;
        // Both are below 2^31: no sum of them overflows.
        if (nameLength > limits.bytes) return false;
        if (!readLength(_bytes, at, valueLength)) return true;
        const std::uint64_t end = std::uint64_t{at} + nameLength + valueLength;
        if (end > limits.bytes) return false;
        if (_pairs.size() == limits.pairs) {
            _tooMany = true;
            return false;
        }
        if (end > _bytes.size()) return true;
        _pairs.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(nameLength),
                          static_cast<std::uint32_t>(valueLength)});
        _at = static_cast<std::size_t>(end);
    }
}

std::pair<std::string_view, std::string_view> FcgiPairs::operator[](std::size_t index) const {
    const Pair& pair = _pairs[index];
    const std::string_view bytes(_bytes);
    return {bytes.substr(pair.name, pair.nameLength),
            bytes.substr(pair.name + pair.nameLength, pair.valueLength)};
}

void FcgiPairs::clear() {
    std::string().swap(_bytes);
    std::vector<Pair>().swap(_pairs);
    _at = 0;
    _refused = false;
}

}  // namespace socketio
