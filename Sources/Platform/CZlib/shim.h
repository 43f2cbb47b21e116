#pragma once
#include <zlib.h>

// A macro that passes the size of the structure along, which Swift does not import; 16 asks for gzip's own header and check.
static inline int tenure_inflate_init_gzip(z_stream *stream) { return inflateInit2(stream, 16 + MAX_WBITS); }
