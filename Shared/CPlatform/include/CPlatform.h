#pragma once

#include <semaphore.h>
#include <stdint.h>

/// A non-blocking, close-on-exec eventfd(2); negative when the process has no descriptor left. Glibc's module does not
/// export it to Swift.
int tributary_eventfd(void);

/// The next connection of a listening socket, non-blocking and close-on-exec; negative with `errno` where there is none.
int tributary_accept(int listener);

/// Names the calling thread for `top -H`; the kernel keeps 15 bytes.
void tributary_name_thread(const char *name);

/// Keeps the heap close to what is in use: one arena, and large blocks go back to the kernel when they are freed. Glibc
/// would otherwise learn from freed blocks to keep ever larger ones. Call it before threads are started.
void tributary_bound_heap(void);

/// Gives back the pages of this program's file that are in memory; what is needed again comes back by itself. Any thread.
void tributary_give_back_program(void);

/// Keeps the memory of this process out of core files, and away from debuggers of the same user: no core may be written,
/// and the process is not dumpable (prctl(2), PR_SET_DUMPABLE). 0 where the kernel refuses.
int tributary_forbid_dumps(void);

/// Whether the process is dumpable.
int tributary_may_dump(void);

/// Whether the kernel says that somebody keeps this machine's clock in step with others (adjtimex(2)).
int tributary_clock_is_kept(void);

/// Whether a folder lies on tmpfs or ramfs (statfs(2)).
int tributary_lies_in_memory(const char *folder);

/// Waits for the semaphore, for so many nanoseconds of the monotonic clock at most. 0 when the time is over.
int tributary_wait_semaphore(sem_t *semaphore, int64_t nanoseconds);
