#pragma once
#include <zlib.h>

/// `inflateInit2` is a macro, which Swift cannot call. 15 + 16: the largest window, gzip framing only.
static inline int tributary_gzip_inflate_init(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}

/// The counterpart for tests and sample senders: gzip framing, default compression.
static inline int tributary_gzip_deflate_init(z_stream *stream) {
    return deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
