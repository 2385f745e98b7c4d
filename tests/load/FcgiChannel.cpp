#include "FcgiChannel.h"

#include <charconv>
#include <cstddef>

#include "support/FcgiClient.h"

namespace socketio::test {

std::string FcgiChannel::requestBytes(std::string_view method, std::string_view target,
                                      std::string_view body) const {
    return FcgiClient::request(1, true, FcgiClient::params(method, target, body), body);
}

RequestChannel::Answer FcgiChannel::parse(std::string_view bytes) {
    constexpr std::size_t kHead = 8;
    constexpr std::string_view kStatus = "Status: ";
    _output.clear();
    for (std::size_t at = 0; bytes.size() - at >= kHead;) {
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
        const std::size_t size = static_cast<std::size_t>(byte(4)) << 8 | byte(5);
        const std::size_t next = at + kHead + size + byte(6);
        if (bytes.size() < next) return {};
        if (byte(1) == FcgiRawRecord::Stdout) _output.append(bytes.substr(at + kHead, size));
        if (byte(1) == FcgiRawRecord::End) {
            Answer answer{.size = next};
            const std::size_t status = _output.find(kStatus), end = _output.find("\r\n\r\n");
            if (status >= end || end == _output.npos) return answer;
            const char* const number = _output.data() + status + kStatus.size();
            std::from_chars(number, _output.data() + end, answer.status);
            answer.body = std::string_view(_output).substr(end + 4);
            return answer;
        }
        at = next;
    }
    return {};
}

}  // namespace socketio::test
