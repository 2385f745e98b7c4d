#include "Compression.h"

#include <algorithm>
#include <limits>

#include <zlib.h>

#include "socketio/base/Text.h"

namespace socketio {

namespace {

// Fast rather than tight: it runs where a client waits for its answer.
constexpr int kLevel = 3;

/// One z_stream per thread and format, as setting one up costs more than packing a small answer.
class Deflater {
public:
    explicit Deflater(int windowBits) {
        _ready =
            deflateInit2(&_stream, kLevel, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    }
    ~Deflater() {
        if (_ready) deflateEnd(&_stream);
    }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    bool run(std::string_view bytes, std::string& out) {
        if (!_ready || deflateReset(&_stream) != Z_OK ||
            bytes.size() > std::numeric_limits<uInt>::max() / 2)
            return false;
        out.resize(deflateBound(&_stream, static_cast<uLong>(bytes.size())));
        _stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        _stream.avail_in = static_cast<uInt>(bytes.size());
        _stream.next_out = reinterpret_cast<Bytef*>(out.data());
        _stream.avail_out = static_cast<uInt>(out.size());
        if (deflate(&_stream, Z_FINISH) != Z_STREAM_END) return false;
        out.resize(out.size() - _stream.avail_out);
        return true;
    }

private:
    z_stream _stream{};
    bool _ready = false;
};

}  // namespace

ContentCoding negotiateCoding(std::string_view acceptEncoding) {
    const CodingWeights weights = CodingWeights::parse(acceptEncoding);
    const int best = std::max(weights.gzip, weights.deflate);
    if (best <= 0 || best < weights.identity) return ContentCoding::Identity;
    return weights.gzip == best ? ContentCoding::Gzip : ContentCoding::Deflate;
}

std::string_view toString(ContentCoding coding) {
    switch (coding) {
        case ContentCoding::Gzip:
            return "gzip";
        case ContentCoding::Deflate:
            return "deflate";
        case ContentCoding::Identity:
            break;
    }
    return "identity";
}

bool compress(ContentCoding coding, std::string_view bytes, std::string& out) {
    if (coding == ContentCoding::Identity) return false;
    constexpr int kZlib = 15, kGzip = 15 + 16;
    if (coding == ContentCoding::Gzip) {
        thread_local Deflater gzip(kGzip);
        return gzip.run(bytes, out);
    }
    thread_local Deflater deflate(kZlib);
    return deflate.run(bytes, out);
}

}  // namespace socketio
