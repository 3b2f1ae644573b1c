// SPDX-License-Identifier: MIT
//
// The compressors' own libraries, and what the importer cannot see of them: macros.

#ifndef CCODECS_H
#define CCODECS_H

#include <bzlib.h>
#include <lz4.h>
#include <lz4hc.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/// inflateInit2 without any header or trailer, as lib/decompress_inflate.c has it.
static inline int leafroot_inflate_init(z_stream *stream) {
  return inflateInit2(stream, -MAX_WBITS);
}

/// deflateInit2 with a gzip header: window and memory as gzip(1) has them.
static inline int leafroot_deflate_init(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
}

#endif
