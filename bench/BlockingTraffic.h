#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "Fleet.h"

namespace socketio {

/// The echoes of the first `clients` clients of a fleet, while the handlers of all others block:
/// each of those keeps one event `block` under way, whose handler sleeps for 50 ms.
class BlockingTraffic final : public EchoTraffic {
public:
    BlockingTraffic(std::size_t clients, std::size_t inFlight)
        : EchoTraffic(clients, inFlight), _clients(clients) {}

    void begin(Fleet& fleet) override {
        for (std::size_t i = _clients; i < fleet.size(); ++i, ++_blocking)
            fleet.client(i).send(_frame);
        EchoTraffic::begin(fleet);
    }

    void onPacket(Fleet& fleet, WebSocketClient& client, std::string_view packet,
                  std::string& out) override {
        if (client.index() < _clients) return EchoTraffic::onPacket(fleet, client, packet, out);
        if (packet != "30[50]") ++wrong;
        if (stopping)
            --_blocking;
        else
            out += _frame;
    }

    std::size_t outstanding() const override { return _blocking + EchoTraffic::outstanding(); }

private:
    const std::size_t _clients;
    const std::string _frame = WebSocketClient::maskedFrame("420[\"block\",50]");
    std::size_t _blocking = 0;
};

}  // namespace socketio
