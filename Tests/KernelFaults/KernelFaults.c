#define _GNU_SOURCE

#include "KernelFaults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KERNEL_FAULTS_ARE_OFF
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KERNEL_FAULTS_ARE_OFF
#endif

typedef struct {
    int skipped;
    int count;
    int error;
} fault;

static _Thread_local struct {
    bool is_awake;
    fault faults[KERNEL_CALL_COUNT];
    int calls[KERNEL_CALL_COUNT];
    int strikes;
    int open_descriptors;
    long mapped_bytes;
    bool has_descriptor_limit;
    int descriptor_limit;
    size_t limit;
} script;

void kernel_begin(void) {
    script = (__typeof__(script)){.is_awake = true};
}

void kernel_rest(void) { script.is_awake = false; }

void kernel_resume(void) { script.is_awake = true; }

void kernel_fail(kernel_call call, int skipped, int count, int error) {
    script.faults[call] = (fault){.skipped = skipped, .count = count, .error = error};
}

void kernel_limit_descriptors(int more) {
    script.has_descriptor_limit = true;
    script.descriptor_limit = more;
}

void kernel_limit(size_t bytes) { script.limit = bytes; }

int kernel_calls(kernel_call call) { return script.calls[call]; }

int kernel_strikes(void) { return script.strikes; }

int kernel_open_descriptors(void) { return script.open_descriptors; }

long kernel_mapped_bytes(void) { return script.mapped_bytes; }

#ifdef KERNEL_FAULTS_ARE_OFF

bool kernel_faults_are_available(void) { return false; }

#else

bool kernel_faults_are_available(void) { return true; }

static bool opens(kernel_call call) {
    return call == KERNEL_SOCKET || call == KERNEL_ACCEPT4 || call == KERNEL_EPOLL_CREATE1 || call == KERNEL_EVENTFD ||
           call == KERNEL_OPEN || call == KERNEL_MEMFD_CREATE;
}

/// Counts a call, and returns whether it fails; then errno is set.
static bool fails(kernel_call call) {
    if (!script.is_awake) return false;
    script.calls[call]++;
    if (opens(call) && script.has_descriptor_limit && script.open_descriptors >= script.descriptor_limit) {
        script.strikes++;
        errno = EMFILE;
        return true;
    }
    fault *fault = &script.faults[call];
    if (fault->count == 0) return false;
    if (fault->skipped > 0) {
        fault->skipped--;
        return false;
    }
    fault->count--;
    script.strikes++;
    errno = fault->error;
    return true;
}

static size_t limited(size_t length) {
    return script.is_awake && script.limit > 0 && length > script.limit ? script.limit : length;
}

// A thread that rests still opens and closes what the calls that it made awake will use: descriptors are counted all the same.
static int opened(long result) {
    if (result >= 0) script.open_descriptors++;
    return (int)result;
}

int close(int descriptor) {
    int result = (int)syscall(SYS_close, descriptor);
    if (result == 0) script.open_descriptors--;
    return result;
}

int socket(int domain, int type, int protocol) {
    return fails(KERNEL_SOCKET) ? -1 : opened(syscall(SYS_socket, domain, type, protocol));
}

int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags) {
    return fails(KERNEL_ACCEPT4) ? -1 : opened(syscall(SYS_accept4, descriptor, address, length, flags));
}

int epoll_create1(int flags) {
    return fails(KERNEL_EPOLL_CREATE1) ? -1 : opened(syscall(SYS_epoll_create1, flags));
}

int eventfd(unsigned int count, int flags) {
    return fails(KERNEL_EVENTFD) ? -1 : opened(syscall(SYS_eventfd2, count, flags));
}

int open(const char *path, int flags, ...) {
    int mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, int);
        va_end(arguments);
    }
    return fails(KERNEL_OPEN) ? -1 : opened(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

int memfd_create(const char *name, unsigned int flags) {
    return fails(KERNEL_MEMFD_CREATE) ? -1 : opened(syscall(SYS_memfd_create, name, flags));
}

int fsync(int descriptor) { return fails(KERNEL_FSYNC) ? -1 : (int)syscall(SYS_fsync, descriptor); }

int rename(const char *from, const char *to) {
    return fails(KERNEL_RENAME) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int ftruncate(int descriptor, off_t length) {
    return fails(KERNEL_FTRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, descriptor, length);
}

int posix_fallocate(int descriptor, off_t offset, off_t length) {
    if (fails(KERNEL_FALLOCATE)) return errno;
    return syscall(SYS_fallocate, descriptor, 0, offset, length) < 0 ? errno : 0;
}

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
    if (fails(KERNEL_MMAP)) return MAP_FAILED;
    void *result = (void *)syscall(SYS_mmap, address, length, protection, flags, descriptor, offset);
    // What is mapped in a fixed place takes the place of what was counted before.
    if (result != MAP_FAILED && !(flags & MAP_FIXED)) script.mapped_bytes += (long)length;
    return result;
}

int munmap(void *address, size_t length) {
    int result = (int)syscall(SYS_munmap, address, length);
    if (result == 0) script.mapped_bytes -= (long)length;
    return result;
}

int connect(int descriptor, const struct sockaddr *address, socklen_t length) {
    return fails(KERNEL_CONNECT) ? -1 : (int)syscall(SYS_connect, descriptor, address, length);
}

int listen(int descriptor, int backlog) {
    return fails(KERNEL_LISTEN) ? -1 : (int)syscall(SYS_listen, descriptor, backlog);
}

int shutdown(int descriptor, int how) {
    return fails(KERNEL_SHUTDOWN) ? -1 : (int)syscall(SYS_shutdown, descriptor, how);
}

int epoll_ctl(int epoll, int operation, int descriptor, struct epoll_event *event) {
    if (operation != EPOLL_CTL_DEL && fails(KERNEL_EPOLL_CTL)) return -1;
    return (int)syscall(SYS_epoll_ctl, epoll, operation, descriptor, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int capacity, int milliseconds) {
    if (fails(KERNEL_EPOLL_WAIT)) return -1;
    return (int)syscall(SYS_epoll_pwait, epoll, events, capacity, milliseconds, NULL, 8);
}

ssize_t recv(int descriptor, void *bytes, size_t length, int flags) {
    return fails(KERNEL_RECV) ? -1 : syscall(SYS_recvfrom, descriptor, bytes, limited(length), flags, NULL, NULL);
}

ssize_t send(int descriptor, const void *bytes, size_t length, int flags) {
    return fails(KERNEL_SEND) ? -1 : syscall(SYS_sendto, descriptor, bytes, limited(length), flags, NULL, 0);
}

ssize_t read(int descriptor, void *bytes, size_t length) {
    return fails(KERNEL_READ) ? -1 : syscall(SYS_read, descriptor, bytes, limited(length));
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
    return fails(KERNEL_WRITE) ? -1 : syscall(SYS_write, descriptor, bytes, length);
}

enum { VECTOR_LIMIT = 8 };

/// Copies the vectors as far as the limit allows, and returns how many that are.
static int limited_vectors(struct iovec *copy, const struct iovec *vectors, size_t count) {
    size_t rest = limited((size_t)-1);
    int copied = 0;
    for (; (size_t)copied < count && copied < VECTOR_LIMIT && rest > 0; copied++) {
        copy[copied] = vectors[copied];
        if (copy[copied].iov_len > rest) copy[copied].iov_len = rest;
        rest -= copy[copied].iov_len;
    }
    return copied;
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
    if (fails(KERNEL_SENDMSG)) return -1;
    if (limited((size_t)-1) == (size_t)-1) return syscall(SYS_sendmsg, descriptor, message, flags);
    struct iovec vectors[VECTOR_LIMIT];
    struct msghdr copy = *message;
    copy.msg_iovlen = (size_t)limited_vectors(vectors, message->msg_iov, message->msg_iovlen);
    copy.msg_iov = vectors;
    return syscall(SYS_sendmsg, descriptor, &copy, flags);
}

ssize_t writev(int descriptor, const struct iovec *vectors, int count) {
    if (fails(KERNEL_WRITEV)) return -1;
    if (limited((size_t)-1) == (size_t)-1) return syscall(SYS_writev, descriptor, vectors, count);
    struct iovec copy[VECTOR_LIMIT];
    int copied = limited_vectors(copy, vectors, (size_t)count);
    return syscall(SYS_writev, descriptor, copy, copied);
}

#endif
