#define _GNU_SOURCE

#include "FaultInjection.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *chosen;
static uint64_t number;
static uint64_t count = 1;
static int error;
static size_t length;
static fault_report nowhere;
static fault_report *report = &nowhere;

// MARK: - Whose calls count

enum { OBJECT_LIMIT = 2 };
static struct { uintptr_t start, end; } objects[OBJECT_LIMIT];
static int object_count;

static int add_object(struct dl_phdr_info *information, size_t size, void *context) {
    (void)size;
    (void)context;
    // The program itself comes first, and has no name.
    bool is_program = information->dlpi_name[0] == '\0' && object_count == 0;
    if (!is_program && !strstr(information->dlpi_name, "libswiftGlibc")) return 0;
    for (int index = 0; index < information->dlpi_phnum; index++) {
        const ElfW(Phdr) *header = &information->dlpi_phdr[index];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X) || object_count == OBJECT_LIMIT) continue;
        objects[object_count].start = information->dlpi_addr + header->p_vaddr;
        objects[object_count].end = objects[object_count].start + header->p_memsz;
        object_count++;
    }
    return 0;
}

static bool is_counted(const void *caller) {
    for (int index = 0; index < object_count; index++) {
        if ((uintptr_t)caller >= objects[index].start && (uintptr_t)caller < objects[index].end) return true;
    }
    return false;
}

static uint64_t number_from(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void begin(void) {
    dl_iterate_phdr(add_object, NULL);
    chosen = getenv("FAULT_CALL");
    number = number_from("FAULT_NUMBER", 0);
    count = number_from("FAULT_COUNT", 1);
    error = (int)number_from("FAULT_ERROR", 0);
    length = (size_t)number_from("FAULT_LENGTH", 0);
    const char *path = getenv("FAULT_REPORT");
    if (!path) return;
    int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0 || syscall(SYS_ftruncate, descriptor, sizeof(fault_report)) < 0) _exit(127);
    long mapped = syscall(SYS_mmap, NULL, sizeof(fault_report), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0L);
    if (mapped < 0 && mapped > -4096) _exit(127);
    syscall(SYS_close, descriptor);
    report = (fault_report *)mapped;
}

// MARK: - When the fault strikes

/// Counts a call, and returns whether the fault is meant for it.
static bool is_meant(const char *call, const void *caller) {
    if (!chosen || strcmp(call, chosen) != 0 || !is_counted(caller)) return false;
    uint64_t current = ++report->calls;
    return number > 0 && current >= number && (count == 0 || current - number < count);
}

/// Counts a call, and returns whether it fails; then errno is set.
static bool fails(const char *call, const void *caller) {
    if (!is_meant(call, caller) || error == 0) return false;
    report->strikes++;
    errno = error;
    return true;
}

/// Counts a call that moves bytes, and returns whether it fails. If not, lowers `size` to what it may move.
static bool fails_or_falls_short(const char *call, const void *caller, size_t *size) {
    if (!is_meant(call, caller)) return false;
    if (error != 0) {
        report->strikes++;
        errno = error;
        return true;
    }
    if (length > 0 && length < *size) {
        report->strikes++;
        *size = length;
    }
    return false;
}

#define CALLER __builtin_return_address(0)
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define PASS(name, result, parameters, arguments) \
    result name parameters { return fails(#name, CALLER) ? (result)-1 : REAL(name) arguments; }

/// The same for a call that reads: it falls short only if there is more to read than the limit.
static bool read_fails_or_falls_short(const char *call, const void *caller, int descriptor, size_t *size) {
    int available = 0;
    size_t readable = REAL(ioctl)(descriptor, FIONREAD, &available) == 0 && (size_t)available < *size ? (size_t)available : *size;
    size_t limit = readable;
    if (fails_or_falls_short(call, caller, &limit)) return true;
    if (limit < readable) *size = limit;
    return false;
}

// MARK: - The calls

PASS(socket, int, (int domain, int type, int protocol), (domain, type, protocol))
PASS(setsockopt, int, (int descriptor, int level, int name, const void *value, socklen_t size),
     (descriptor, level, name, value, size))
PASS(getsockopt, int, (int descriptor, int level, int name, void *value, socklen_t *size), (descriptor, level, name, value, size))
PASS(listen, int, (int descriptor, int backlog), (descriptor, backlog))
PASS(bind, int, (int descriptor, const struct sockaddr *address, socklen_t size), (descriptor, address, size))
PASS(getsockname, int, (int descriptor, struct sockaddr *address, socklen_t *size), (descriptor, address, size))
PASS(getpeername, int, (int descriptor, struct sockaddr *address, socklen_t *size), (descriptor, address, size))
PASS(accept4, int, (int descriptor, struct sockaddr *address, socklen_t *size, int flags), (descriptor, address, size, flags))
PASS(shutdown, int, (int descriptor, int how), (descriptor, how))
PASS(sendto, ssize_t, (int descriptor, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t to_size),
     (descriptor, bytes, size, flags, to, to_size))
PASS(epoll_create1, int, (int flags), (flags))
PASS(eventfd_read, int, (int descriptor, eventfd_t *value), (descriptor, value))
PASS(eventfd_write, int, (int descriptor, eventfd_t value), (descriptor, value))
PASS(memfd_create, int, (const char *name, unsigned int flags), (name, flags))
PASS(ftruncate, int, (int descriptor, off_t size), (descriptor, size))
PASS(mmap, void *, (void *place, size_t size, int protection, int flags, int descriptor, off_t offset),
     (place, size, protection, flags, descriptor, offset))
PASS(munmap, int, (void *place, size_t size), (place, size))
PASS(flock, int, (int descriptor, int operation), (descriptor, operation))
PASS(sigaction, int, (int number, const struct sigaction *action, struct sigaction *old), (number, action, old))
PASS(poll, int, (struct pollfd *descriptors, nfds_t descriptor_count, int milliseconds), (descriptors, descriptor_count, milliseconds))
PASS(fstat, int, (int descriptor, struct stat *status), (descriptor, status))
PASS(lstat, int, (const char *path, struct stat *status), (path, status))
PASS(unlink, int, (const char *path), (path))
PASS(getrlimit, int, (__rlimit_resource_t resource, struct rlimit *limit), (resource, limit))
PASS(setrlimit, int, (__rlimit_resource_t resource, const struct rlimit *limit), (resource, limit))

enum { DESCRIPTOR_LIMIT = 1024 };
static bool eventfds[DESCRIPTOR_LIMIT];

int eventfd(unsigned int value, int flags) {
    if (fails("eventfd", CALLER)) return -1;
    int descriptor = REAL(eventfd)(value, flags);
    if (descriptor >= 0 && descriptor < DESCRIPTOR_LIMIT) eventfds[descriptor] = true;
    return descriptor;
}

/// One that is interrupted goes on all the same.
int connect(int descriptor, const struct sockaddr *address, socklen_t size) {
    if (!fails("connect", CALLER)) return REAL(connect)(descriptor, address, size);
    // One that has ended is not interrupted.
    if (error == EINTR && REAL(connect)(descriptor, address, size) < 0 && errno != EINPROGRESS) return -1;
    errno = error;
    return -1;
}

/// Returns its error, and leaves errno alone.
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
    return fails("pthread_sigmask", CALLER) ? error : REAL(pthread_sigmask)(how, set, old);
}

/// Returns its error, which is none of errno's and negative: FAULT_ERROR is its amount.
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    return fails("getaddrinfo", CALLER) ? -error : REAL(getaddrinfo)(node, service, hints, result);
}

/// Linux has closed the descriptor even if close(2) says that it failed.
int close(int descriptor) {
    bool must_fail = fails("close", CALLER);
    if (descriptor >= 0 && descriptor < DESCRIPTOR_LIMIT) eventfds[descriptor] = false;
    int result = REAL(close)(descriptor);
    if (!must_fail) return result;
    errno = error;
    return -1;
}

int open(const char *path, int flags, ...) {
    int mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, int);
        va_end(arguments);
    }
    return fails("open", CALLER) ? -1 : REAL(open)(path, flags, mode);
}

int fcntl(int descriptor, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return fails("fcntl", CALLER) ? -1 : REAL(fcntl)(descriptor, command, argument);
}

int ioctl(int descriptor, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    const char *call = request == TIOCOUTQ ? "ioctl:TIOCOUTQ" : request == FIONREAD ? "ioctl:FIONREAD" : "ioctl";
    return fails(call, CALLER) ? -1 : REAL(ioctl)(descriptor, request, argument);
}

int epoll_ctl(int epoll, int operation, int descriptor, struct epoll_event *event) {
    bool removes = operation == EPOLL_CTL_DEL;
    const char *call = operation == EPOLL_CTL_ADD ? "epoll_ctl:ADD" : removes ? "epoll_ctl:DEL" : "epoll_ctl:MOD";
    bool must_fail = fails(call, CALLER);
    // Removing fails only for a descriptor that is not watched. So after a failure it is not watched.
    int result = must_fail && !removes ? -1 : REAL(epoll_ctl)(epoll, operation, descriptor, event);
    if (!must_fail) return result;
    errno = error;
    return -1;
}

int epoll_wait(int epoll, struct epoll_event *events, int capacity, int milliseconds) {
    report->turns++;
    return fails("epoll_wait", CALLER) ? -1 : REAL(epoll_wait)(epoll, events, capacity, milliseconds);
}

ssize_t recv(int descriptor, void *bytes, size_t size, int flags) {
    if (read_fails_or_falls_short("recv", CALLER, descriptor, &size)) return -1;
    return REAL(recv)(descriptor, bytes, size, flags);
}

ssize_t read(int descriptor, void *bytes, size_t size) {
    if (read_fails_or_falls_short("read", CALLER, descriptor, &size)) return -1;
    return REAL(read)(descriptor, bytes, size);
}

ssize_t send(int descriptor, const void *bytes, size_t size, int flags) {
    return fails_or_falls_short("send", CALLER, &size) ? -1 : REAL(send)(descriptor, bytes, size, flags);
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
    if (descriptor >= 0 && descriptor < DESCRIPTOR_LIMIT && eventfds[descriptor]) {
        // It fails only if the counter is full. Then the descriptor is readable, as it is after a write.
        bool must_fail = fails("write:eventfd", CALLER);
        ssize_t result = REAL(write)(descriptor, bytes, size);
        if (!must_fail) return result;
        errno = error;
        return -1;
    }
    return fails_or_falls_short("write", CALLER, &size) ? -1 : REAL(write)(descriptor, bytes, size);
}

enum { VECTOR_LIMIT = 8 };

static size_t total(const struct iovec *vectors, size_t vector_count) {
    size_t sum = 0;
    for (size_t index = 0; index < vector_count; index++) sum += vectors[index].iov_len;
    return sum;
}

/// Copies the vectors as far as the limit allows, and returns how many that are.
static size_t limited_vectors(struct iovec *copy, const struct iovec *vectors, size_t vector_count, size_t limit) {
    size_t copied = 0;
    for (; copied < vector_count && copied < VECTOR_LIMIT; copied++) {
        copy[copied] = vectors[copied];
        if (copy[copied].iov_len > limit) copy[copied].iov_len = limit;
        limit -= copy[copied].iov_len;
    }
    return copied;
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
    size_t size = total(message->msg_iov, message->msg_iovlen);
    if (fails_or_falls_short("sendmsg", CALLER, &size)) return -1;
    struct iovec vectors[VECTOR_LIMIT];
    struct msghdr copy = *message;
    copy.msg_iovlen = limited_vectors(vectors, message->msg_iov, message->msg_iovlen, size);
    copy.msg_iov = vectors;
    return REAL(sendmsg)(descriptor, &copy, flags);
}

ssize_t writev(int descriptor, const struct iovec *vectors, int vector_count) {
    size_t size = total(vectors, (size_t)vector_count);
    if (fails_or_falls_short("writev", CALLER, &size)) return -1;
    struct iovec copy[VECTOR_LIMIT];
    size_t copied = limited_vectors(copy, vectors, (size_t)vector_count, size);
    return REAL(writev)(descriptor, copy, (int)copied);
}
