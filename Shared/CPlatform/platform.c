#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <link.h>
#include <linux/magic.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

int tributary_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int tributary_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

void tributary_name_thread(const char *name) {
    char kept[16] = {0};
    strncpy(kept, name, sizeof kept - 1);
    pthread_setname_np(pthread_self(), kept);
}

void tributary_bound_heap(void) {
    // One arena that grows by whole huge pages: glibc asks for these for the first arena alone (glibc.malloc.hugetlb).
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, 2 * 1024 * 1024);
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

static int give_back(struct dl_phdr_info *object, size_t size, void *unused) {
    (void)size, (void)unused;
    const uintptr_t in_page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *const header = &object->dlpi_phdr[i];
        // What may be written may differ from the file.
        if (header->p_type != PT_LOAD || (header->p_flags & PF_W) != 0) continue;
        const uintptr_t start = object->dlpi_addr + header->p_vaddr;
        const uintptr_t page = start & ~in_page;
        madvise((void *)page, start + header->p_memsz - page, MADV_DONTNEED);
    }
    return 1; // the first object is the program, and libraries are shared
}

void tributary_give_back_program(void) { dl_iterate_phdr(give_back, NULL); }

int tributary_forbid_dumps(void) {
    const struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

int tributary_may_dump(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0; }

int tributary_clock_is_kept(void) {
    struct timex clock = {.modes = 0};
    return adjtimex(&clock) != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
}

int tributary_lies_in_memory(const char *folder) {
    struct statfs found;
    return statfs(folder, &found) == 0 && (found.f_type == TMPFS_MAGIC || found.f_type == RAMFS_MAGIC);
}

int tributary_wait_semaphore(sem_t *semaphore, int64_t nanoseconds) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t sum = until.tv_nsec + nanoseconds % 1000000000;
    until.tv_sec += nanoseconds / 1000000000 + sum / 1000000000;
    until.tv_nsec = sum % 1000000000;
    while (sem_clockwait(semaphore, CLOCK_MONOTONIC, &until) != 0) {
        if (errno != EINTR) return 0;
    }
    return 1;
}
