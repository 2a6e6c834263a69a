#pragma once

/// A non-blocking, close-on-exec eventfd(2); negative when the process has no descriptor left. Glibc's module does not
/// export it to Swift.
int tributary_eventfd(void);

/// Names the calling thread for `top -H`; the kernel keeps 15 bytes.
void tributary_name_thread(const char *name);

/// Keeps the heap close to what is in use: two arenas, and large blocks go back to the kernel when they are freed. Glibc
/// would otherwise learn from freed blocks to keep ever larger ones. Call it before threads are started.
void tributary_bound_heap(void);
