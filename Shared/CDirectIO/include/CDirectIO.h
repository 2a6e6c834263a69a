#pragma once

#include <stdint.h>

/// Adds O_DIRECT, and O_DSYNC where `durable` is not 0, to the flags of open(2). Glibc's module does not export them to
/// Swift. Negative, and errno set, where the file system refuses.
int tributary_open_direct(const char *path, int flags, int durable);

/// fallocate(2) of the bytes from 0, so that later writes in them need no more space. 0, or -1 and errno.
int tributary_allocate(int descriptor, int64_t byte_count);

/// The alignment that direct writes to the file need (statx(2), STATX_DIOALIGN), and the block in which its disk really
/// writes (sysfs), whichever is larger; 0 where neither is known.
int64_t tributary_direct_alignment(int descriptor);
