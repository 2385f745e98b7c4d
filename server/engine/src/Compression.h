#pragma once

#include <string>
#include <string_view>

namespace socketio {

enum class ContentCoding { Identity, Gzip, Deflate };

/// The coding for an answer by the request's Accept-Encoding (RFC 9110 §12.5.3): the one with the
/// highest weight, gzip among equals, Identity when none is wanted. An element whose weight is no
/// weight does not count.
ContentCoding negotiateCoding(std::string_view acceptEncoding);

/// The value of Content-Encoding.
std::string_view toString(ContentCoding coding);

/// Packs `bytes`; `deflate` is the zlib format, as RFC 9110 §8.4.1.2 says. False when zlib fails.
/// Threads: any; each keeps its compressor (256 KiB) for the next time.
bool compress(ContentCoding coding, std::string_view bytes, std::string& out);

}  // namespace socketio
