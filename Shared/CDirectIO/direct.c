#define _GNU_SOURCE
#include "CDirectIO.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int tributary_open_direct(const char *path, int flags, int durable) {
    return open(path, flags | O_DIRECT | (durable ? O_DSYNC : 0), 0600);
}

int tributary_allocate(int descriptor, int64_t byte_count) { return fallocate(descriptor, 0, 0, byte_count); }

// The disk's physical block; a partition's queue is that of the disk above it.
static int64_t physical_block(unsigned major_number, unsigned minor_number) {
    static const char *const patterns[] = {
        "/sys/dev/block/%u:%u/queue/physical_block_size", "/sys/dev/block/%u:%u/../queue/physical_block_size"};
    for (int i = 0; i < 2; i++) {
        char path[96];
        snprintf(path, sizeof path, patterns[i], major_number, minor_number);
        FILE *file = fopen(path, "re");
        if (file == NULL) continue;
        long long bytes = 0;
        int fields = fscanf(file, "%lld", &bytes);
        fclose(file);
        if (fields == 1) return bytes;
    }
    return 0;
}

int64_t tributary_direct_alignment(int descriptor) {
    int64_t alignment = 0;
#ifdef STATX_DIOALIGN
    struct statx facts;
    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &facts) == 0 && (facts.stx_mask & STATX_DIOALIGN)) {
        alignment = facts.stx_dio_offset_align;
        if (facts.stx_dio_mem_align > alignment) alignment = facts.stx_dio_mem_align;
    }
#endif
    struct stat simple;
    if (fstat(descriptor, &simple) == 0) {
        int64_t block = physical_block(major(simple.st_dev), minor(simple.st_dev));
        if (block > alignment) alignment = block;
    }
    return alignment;
}
