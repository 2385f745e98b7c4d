#pragma once

#include <string>
#include <string_view>

#include "RequestChannel.h"

namespace socketio {

/// Requests over HTTP/1.1; answers have a Content-Length.
class HttpChannel final : public RequestChannel {
public:
    using RequestChannel::RequestChannel;

private:
    std::string requestBytes(std::string_view method, std::string_view target,
                             std::string_view body) const override;
    Answer parse(std::string_view bytes) override;
};

}  // namespace socketio
