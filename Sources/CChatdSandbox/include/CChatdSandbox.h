// What the sandbox of chatd needs of the kernel and Swift cannot reach: the numbers of system calls, which are macros that differ from one
// architecture to the next, and the system calls without a function in glibc.

#ifndef CSANDBOX_H
#define CSANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

// Newer architectures have one call of each of these groups alone: the one that takes a folder, or a mask of signals. glibc makes whichever
// there is.
#ifdef __x86_64__
#define SANDBOX_OLD_OR_NEW(old, new) __NR_##old
#else
#define SANDBOX_OLD_OR_NEW(old, new) __NR_##new
#endif

enum {
    call_accept4 = __NR_accept4,
    call_access = SANDBOX_OLD_OR_NEW(access, faccessat),
    call_brk = __NR_brk,
    call_clock_gettime = __NR_clock_gettime,
    call_clock_nanosleep = __NR_clock_nanosleep,
    call_close = __NR_close,
    call_connect = __NR_connect,
    call_epoll_ctl = __NR_epoll_ctl,
    call_epoll_wait = SANDBOX_OLD_OR_NEW(epoll_wait, epoll_pwait),
    call_exit = __NR_exit,
    call_exit_group = __NR_exit_group,
    call_fallocate = __NR_fallocate,
    call_fchmod = __NR_fchmod,
    call_flock = __NR_flock,
    call_fstat = __NR_fstat,
    call_fstatfs = __NR_fstatfs,
    call_fsync = __NR_fsync,
    call_msync = __NR_msync,
    call_fcntl = __NR_fcntl,
    call_ftruncate = __NR_ftruncate,
    call_futex = __NR_futex,
    call_getcwd = __NR_getcwd,
    call_getdents64 = __NR_getdents64,
    call_geteuid = __NR_geteuid,
    call_getpid = __NR_getpid,
    call_getpeername = __NR_getpeername,
    call_getrandom = __NR_getrandom,
    call_getsockopt = __NR_getsockopt,
    call_gettid = __NR_gettid,
    call_ioctl = __NR_ioctl,
    call_link = SANDBOX_OLD_OR_NEW(link, linkat),
    call_lseek = __NR_lseek,
    call_madvise = __NR_madvise,
    call_memfd_create = __NR_memfd_create,
    call_mmap = __NR_mmap,
    call_mprotect = __NR_mprotect,
    call_mremap = __NR_mremap,
    call_munmap = __NR_munmap,
    call_newfstatat = __NR_newfstatat,
    call_openat = __NR_openat,
    call_poll = SANDBOX_OLD_OR_NEW(poll, ppoll),
    call_pread64 = __NR_pread64,
    call_prlimit64 = __NR_prlimit64,
    call_pwrite64 = __NR_pwrite64,
    call_read = __NR_read,
    call_readlink = SANDBOX_OLD_OR_NEW(readlink, readlinkat),
    call_recvfrom = __NR_recvfrom,
    call_rename = SANDBOX_OLD_OR_NEW(rename, renameat),
    call_restart_syscall = __NR_restart_syscall,
    call_rseq = __NR_rseq,
    call_rt_sigaction = __NR_rt_sigaction,
    call_rt_sigprocmask = __NR_rt_sigprocmask,
    call_rt_sigreturn = __NR_rt_sigreturn,
    call_sched_getaffinity = __NR_sched_getaffinity,
    call_sched_yield = __NR_sched_yield,
    call_sendmsg = __NR_sendmsg,
    call_sendto = __NR_sendto,
    call_set_robust_list = __NR_set_robust_list,
    call_setsockopt = __NR_setsockopt,
    call_shutdown = __NR_shutdown,
    call_socket = __NR_socket,
    call_uname = __NR_uname,
    call_unlink = SANDBOX_OLD_OR_NEW(unlink, unlinkat),
    call_write = __NR_write,
    call_writev = __NR_writev,
};

// The kernel's `struct sock_filter`: an instruction of classic BPF.
struct sandbox_instruction {
    uint16_t code;
    uint8_t if_true;
    uint8_t if_false;
    uint32_t operand;
};

// What the processor is called in the kernel's data about a call; 0 for one that the sandbox does not know.
uint32_t sandbox_architecture(void);

// Whether the program was built to be watched, for a sanitizer or for coverage. The library that watches makes calls of its own.
bool sandbox_is_instrumented(void);

// Each returns 0, or an error number.
int sandbox_forbid_new_privileges(void);
// Has every thread of the process run the filter from here on.
int sandbox_install_filter(const struct sandbox_instruction *_Nonnull instructions, uint16_t count);

// The version of Landlock, or the negative of an error number: of ENOSYS or EOPNOTSUPP if the kernel has none.
int sandbox_landlock_version(void);
// A descriptor, or the negative of an error number. A kernel of a version knows the rights of that version alone.
int sandbox_landlock_create(int version, uint64_t files, uint64_t network, uint64_t scopes);
// A descriptor of a file or a folder that serves for `sandbox_landlock_allow` alone, or -1.
int sandbox_landlock_open(const char *_Nonnull path);
int sandbox_landlock_allow(int rules, int file, uint64_t rights);
int sandbox_landlock_restrict(int rules, int version);

#endif
