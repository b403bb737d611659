#define _GNU_SOURCE
#include "CChatdSandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

_Static_assert(sizeof(struct sandbox_instruction) == sizeof(struct sock_filter), "they are the same");

uint32_t sandbox_architecture(void) {
#if defined(__x86_64__)
    return AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
    return AUDIT_ARCH_AARCH64;
#else
    return 0;
#endif
}

// These are there if the library is, which the linker knows, whatever this file was compiled with.
extern void __asan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));
extern int __llvm_profile_write_file(void) __attribute__((weak));

bool sandbox_is_instrumented(void) {
    return __asan_init || __tsan_init || __llvm_profile_write_file;
}

int sandbox_forbid_new_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

int sandbox_install_filter(const struct sandbox_instruction *instructions, uint16_t count) {
    struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)instructions};
    // Before Linux 5.16, a filter would also slow the processor down, as is due where a process runs the code of strangers.
    unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    long result = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    // A positive result is the number of a thread that could not be made to.
    return result == 0 ? 0 : result > 0 ? ESRCH : errno;
}

// The numbers of these are the same everywhere; older headers lack them.
enum { landlock_create_ruleset = 444, landlock_add_rule = 445, landlock_restrict_self = 446 };

int sandbox_landlock_version(void) {
    long version = syscall(landlock_create_ruleset, NULL, 0, 1u << 0);
    return version < 0 ? -errno : (int)version;
}

int sandbox_landlock_create(int version, uint64_t files, uint64_t network, uint64_t scopes) {
    struct {
        uint64_t files, network, scopes;
    } rights = {files, network, scopes};
    // An older kernel refuses what it does not know, unless it is zero; what is shorter it always takes.
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    long rules = syscall(landlock_create_ruleset, &rights, size, 0);
    return rules < 0 ? -errno : (int)rules;
}

int sandbox_landlock_open(const char *path) {
    return open(path, O_PATH | O_CLOEXEC);
}

int sandbox_landlock_allow(int rules, int file, uint64_t rights) {
    struct {
        uint64_t rights;
        int32_t file;
    } __attribute__((packed)) rule = {rights, file};
    return syscall(landlock_add_rule, rules, 1, &rule, 0) == 0 ? 0 : errno;
}

int sandbox_landlock_restrict(int rules, int version) {
    // Before version 8, only the thread that asks for it is restricted.
    unsigned flags = version >= 8 ? 1u << 3 : 0;
    return syscall(landlock_restrict_self, rules, flags) == 0 ? 0 : errno;
}
