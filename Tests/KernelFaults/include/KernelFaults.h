// Plays the kernel: has system calls fail or fall short on demand.
//
// The functions of the same names in KernelFaults.c take the place of libc's in the executable that this is linked into. All state
// is the calling thread's own, and a thread that has scripted nothing notices nothing: tests may run side by side.

#ifndef KERNEL_FAULTS_H
#define KERNEL_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    KERNEL_SOCKET,
    KERNEL_CONNECT,
    KERNEL_LISTEN,
    KERNEL_ACCEPT4,
    KERNEL_RECV,
    KERNEL_SEND,
    KERNEL_SENDMSG,
    KERNEL_SHUTDOWN,
    KERNEL_READ,
    KERNEL_WRITE,
    KERNEL_WRITEV,
    KERNEL_EPOLL_CREATE1,
    KERNEL_EPOLL_CTL, // EPOLL_CTL_ADD and EPOLL_CTL_MOD: there is no way in which EPOLL_CTL_DEL of what was added fails.
    KERNEL_EPOLL_WAIT,
    KERNEL_EVENTFD,
    KERNEL_OPEN,
    KERNEL_MEMFD_CREATE,
    KERNEL_FTRUNCATE,
    KERNEL_FALLOCATE,
    KERNEL_MMAP,
    KERNEL_FSYNC,
    KERNEL_RENAME,
    KERNEL_CALL_COUNT
} kernel_call;

/// False under a sanitizer, which defines the same functions: then this defines none, and no fault ever strikes.
bool kernel_faults_are_available(void);

/// Forgets all that was scripted and counted on this thread. Faults strike, and calls are counted, from now on until `kernel_rest`.
void kernel_begin(void);

/// Lets calls through, uncounted and unharmed, until `kernel_resume`.
void kernel_rest(void);
void kernel_resume(void);

/// Has calls of `call` fail with `error`: `count` of them, after the next `skipped` have passed.
void kernel_fail(kernel_call call, int skipped, int count, int error);

/// Has the calls that open a descriptor fail with EMFILE once the thread has `more` more of them than at its `kernel_begin`.
void kernel_limit_descriptors(int more);

/// Has each recv, send, sendmsg, read and writev move `bytes` at most; 0 for no limit.
void kernel_limit(size_t bytes);

/// How many calls of `call` were made.
int kernel_calls(kernel_call call);

/// How many calls were made to fail.
int kernel_strikes(void);

/// How many descriptors were opened by these calls since `kernel_begin`, less those that were closed.
int kernel_open_descriptors(void);

/// How many bytes of address space were mapped since `kernel_begin`, less those that were unmapped.
long kernel_mapped_bytes(void);

#endif
