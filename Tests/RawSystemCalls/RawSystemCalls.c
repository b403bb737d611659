#define _GNU_SOURCE
#include "RawSystemCalls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH (long)"/nonexistent/chatreactor"

static const struct {
    const char *name;
    long number;
    long arguments[6];
} calls[] = {
    // To run a program, or to be more than one process.
    {"execve", __NR_execve, {PATH}},
    {"execveat", __NR_execveat, {AT_FDCWD, PATH}},
    {"clone", __NR_clone, {SIGCHLD}},
    {"clone3", __NR_clone3, {0, 0}},
    // Others' processes.
    {"kill", __NR_kill, {0, 0}},
    {"tgkill", __NR_tgkill, {1, 1, 0}},
    {"ptrace", __NR_ptrace, {0, 0, 0, 0}},
    {"process_vm_readv", __NR_process_vm_readv, {1}},
    {"pidfd_open", __NR_pidfd_open, {1, 0}},
    // Connections that it makes itself, and more listeners.
    {"socket", __NR_socket, {AF_INET, SOCK_STREAM, 0}},
    {"socketpair", __NR_socketpair, {AF_UNIX, SOCK_STREAM, 0, 0}},
    {"connect", __NR_connect, {-1, 0, 0}},
    {"bind", __NR_bind, {-1, 0, 0}},
    {"listen", __NR_listen, {-1, 1}},
    // Files.
    {"openat for writing", __NR_openat, {AT_FDCWD, PATH, O_WRONLY}},
    {"openat to make one", __NR_openat, {AT_FDCWD, PATH, O_RDONLY | O_CREAT, 0600}},
    {"openat2", __NR_openat2, {AT_FDCWD, PATH, 0, 0}},
    {"unlinkat", __NR_unlinkat, {AT_FDCWD, PATH, 0}},
    {"renameat2", __NR_renameat2, {AT_FDCWD, PATH, AT_FDCWD, PATH, 0}},
    {"linkat", __NR_linkat, {AT_FDCWD, PATH, AT_FDCWD, PATH, 0}},
    {"symlinkat", __NR_symlinkat, {PATH, AT_FDCWD, PATH}},
    {"mkdirat", __NR_mkdirat, {AT_FDCWD, PATH, 0700}},
    {"fchmodat", __NR_fchmodat, {AT_FDCWD, PATH, 0700}},
    {"fchownat", __NR_fchownat, {AT_FDCWD, PATH, 0, 0, 0}},
    {"getdents64", __NR_getdents64, {-1, 0, 0}},
    {"chdir", __NR_chdir, {PATH}},
    {"chroot", __NR_chroot, {PATH}},
    {"mount", __NR_mount, {PATH, PATH, 0, 0, 0}},
    // Memory that is run.
    {"mmap to be run", __NR_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
    {"mprotect", __NR_mprotect, {0, 0, PROT_READ | PROT_EXEC}},
    // Who it is, what it may, and the kernel's lesser known parts.
    {"setuid", __NR_setuid, {0}},
    {"setgid", __NR_setgid, {0}},
    {"capset", __NR_capset, {0, 0}},
    {"prctl", __NR_prctl, {3}},
    {"seccomp", __NR_seccomp, {9, 0, 0}},
    {"unshare", __NR_unshare, {0}},
    {"setns", __NR_setns, {-1, 0}},
    {"bpf", __NR_bpf, {-1, 0, 0}},
    {"io_uring_setup", __NR_io_uring_setup, {0, 0}},
    {"userfaultfd", __NR_userfaultfd, {-1}},
    {"perf_event_open", __NR_perf_event_open, {0}},
    {"keyctl", __NR_keyctl, {-1}},
    {"init_module", __NR_init_module, {0, 0, 0}},
    {"reboot", __NR_reboot, {0, 0, 0, 0}},
    {"prlimit64", __NR_prlimit64, {0, 7, 0, 0}},
    // A key that is typed for the operator; the level of a socket's options that no part of chatd sets.
    {"ioctl TIOCSTI", __NR_ioctl, {-1, TIOCSTI, 0}},
    {"setsockopt of IPv4", __NR_setsockopt, {-1, 0, 1, 0, 0}},
#ifdef __x86_64__
    // The same machine's other ways in: those of the 32-bit kind of 64-bit programs, and what openat has replaced.
    {"read as x32", 0x40000000 | __NR_read, {-1, 0, 0}},
    {"open", __NR_open, {PATH, O_RDONLY}},
    {"fork", __NR_fork, {0}},
#endif
};
enum { count = sizeof calls / sizeof *calls };

const char *raw_system_call_name(int number) {
    return number < count ? calls[number].name : NULL;
}

long raw_system_call_make(const char *name) {
    for (int i = 0; i < count; i++) {
        if (strcmp(calls[i].name, name) != 0) continue;
        const long *a = calls[i].arguments;
        long result = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
        return result < 0 ? -errno : result;
    }
    return -1000;
}
