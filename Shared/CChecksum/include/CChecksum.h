#pragma once
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `length` bytes, continuing from `crc` (0 for a new checksum).
/// Uses the processor's instruction where it has one.
uint32_t tributary_crc32c(uint32_t crc, const void *bytes, size_t length);
