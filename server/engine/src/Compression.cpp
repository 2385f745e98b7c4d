#include "Compression.h"

#include <algorithm>
#include <limits>

#include <zlib.h>

namespace socketio {

namespace {

// Fast rather than tight: it runs where a client waits for its answer.
constexpr int kLevel = 3;

std::string_view trimmed(std::string_view text) {
    const auto isSpace = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && isSpace(text.front())) text.remove_prefix(1);
    while (!text.empty() && isSpace(text.back())) text.remove_suffix(1);
    return text;
}

std::string_view takeUntil(std::string_view& rest, char separator) {
    const std::string_view part = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    return trimmed(part);
}

bool equalsIgnoreCase(std::string_view text, std::string_view lower) {
    return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
    });
}

/// A weight in thousandths, -1 for what is none: `1`, `0.5`, `0.123`.
int parseWeight(std::string_view text) {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return -1;
    int value = (text[0] - '0') * 1000;
    if (text.size() > 1 && text[1] != '.') return -1;
    int unit = 100;
    for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value += (text[i] - '0') * unit;
    }
    return value <= 1000 ? value : -1;
}

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
    constexpr int kAbsent = -1;
    int gzip = kAbsent, deflate = kAbsent, identity = kAbsent, any = kAbsent;
    while (!acceptEncoding.empty()) {
        std::string_view element = takeUntil(acceptEncoding, ',');
        const std::string_view coding = takeUntil(element, ';');
        int weight = 1000;
        while (!element.empty()) {
            std::string_view parameter = takeUntil(element, ';');
            const std::string_view name = takeUntil(parameter, '=');
            if (equalsIgnoreCase(name, "q")) weight = std::max(0, parseWeight(trimmed(parameter)));
        }
        if (equalsIgnoreCase(coding, "gzip") || equalsIgnoreCase(coding, "x-gzip")) gzip = weight;
        if (equalsIgnoreCase(coding, "deflate")) deflate = weight;
        if (equalsIgnoreCase(coding, "identity")) identity = weight;
        if (coding == "*") any = weight;
    }
    if (gzip == kAbsent) gzip = any;
    if (deflate == kAbsent) deflate = any;
    const int best = std::max(gzip, deflate);
    if (best <= 0 || best < identity) return ContentCoding::Identity;
    return gzip == best ? ContentCoding::Gzip : ContentCoding::Deflate;
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
