#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "Fleet.h"

namespace socketio {

/// Every client keeps one event `echo` under way whose argument is so many characters or bytes; it
/// is acknowledged with its argument.
class PayloadTraffic final : public Traffic {
public:
    PayloadTraffic(std::size_t clients, std::size_t bytes, bool binary);

    void begin(Fleet& fleet) override;
    void onPacket(Fleet& fleet, WebSocketClient& client, std::string_view packet,
                  std::string& out) override;
    void onBinary(Fleet& fleet, WebSocketClient& client, std::string_view bytes,
                  std::string& out) override;
    std::size_t outstanding() const override { return _outstanding; }

private:
    void answered(WebSocketClient& client, std::string& out);

    const bool _binary;
    std::string _payload, _frames, _answer;
    std::vector<std::int64_t> _sentAt;  // by client
    std::size_t _outstanding = 0;
};

}  // namespace socketio
