#pragma once

#include <string>
#include <string_view>

#include "RequestChannel.h"

namespace socketio::test {

/// Requests over a kept FastCGI connection, as a web server makes them.
class FcgiChannel final : public RequestChannel {
public:
    using RequestChannel::RequestChannel;

private:
    std::string requestBytes(std::string_view method, std::string_view target,
                             std::string_view body) const override;
    Answer parse(std::string_view bytes) override;

    std::string _output;  // of the request, while it is parsed
};

}  // namespace socketio::test
