// Descriptors: the lowest free number first, as POSIX has it, so that a number soon belongs to someone else.

#include "Kernel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

descriptor *find(int number) {
    int index = number - SIMULATED_FIRST;
    if (index < 0 || index >= SIMULATED_DESCRIPTORS || kernel.descriptors[index].kind == FREE) {
        complain("a system call on a descriptor that is not open");
        return NULL;
    }
    return &kernel.descriptors[index];
}

stream *find_stream(int number) {
    descriptor *it = find(number);
    return it != NULL && it->kind == STREAM ? &kernel.streams[it->stream] : NULL;
}

int open_descriptor(descriptor_kind kind) {
    bool is_exhausted = (kernel.descriptor_limit >= 0 && kernel.open_descriptors >= kernel.descriptor_limit) ||
                        kernel.exhaustion == EMFILE || kernel.exhaustion == ENFILE;
    for (int index = 0; index < SIMULATED_DESCRIPTORS && !is_exhausted; index++) {
        descriptor *it = &kernel.descriptors[index];
        if (it->kind != FREE) continue;
        if (it->was_used) kernel.counts[KERNEL_COUNT_REUSED_DESCRIPTORS]++;
        memset(it, 0, sizeof *it);
        it->kind = kind;
        it->was_used = true;
        it->stream = -1;
        kernel.open_descriptors++;
        return SIMULATED_FIRST + index;
    }
    // This is no progress: a loop that tries it again at once spins.
    kernel.counts[KERNEL_COUNT_DESCRIPTORS_EXHAUSTED]++;
    return -1;
}

int socket(int domain, int type, int protocol) {
    if (!kernel.is_running) return (int)syscall(SYS_socket, domain, type, protocol);
    enter();
    if ((type & (SOCK_NONBLOCK | SOCK_CLOEXEC)) != (SOCK_NONBLOCK | SOCK_CLOEXEC)) complain("a socket that blocks or is inherited");
    int number = open_descriptor(UNBOUND);
    return (int)leave("socket", domain, number, number < 0 ? EMFILE : 0);
}

int bind(int number, const struct sockaddr *address, socklen_t length) {
    if (!is_simulated(number)) return (int)syscall(SYS_bind, number, address, length);
    enter();
    descriptor *it = find(number);
    if (it == NULL) return (int)leave("bind", number, 0, EBADF);
    it->port = ntohs(((const struct sockaddr_in *)address)->sin_port);
    return (int)leave("bind", number, 0, 0);
}

int listen(int number, int backlog) {
    if (!is_simulated(number)) return (int)syscall(SYS_listen, number, backlog);
    enter();
    descriptor *it = find(number);
    if (it == NULL) return (int)leave("listen", number, 0, EBADF);
    it->kind = LISTENER;
    return (int)leave("listen", number, 0, 0);
}

int open(const char *path, int flags, ...) {
    int mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, int);
        va_end(arguments);
    }
    if (!kernel.is_running || strcmp(path, "/dev/null") != 0) return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    enter();
    int number = open_descriptor(NOTHING);
    return (int)leave("open", 0, number, number < 0 ? EMFILE : 0);
}

int fcntl(int number, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    if (!is_simulated(number)) return (int)syscall(SYS_fcntl, number, command, argument);
    enter();
    descriptor *it = find(number);
    // Every descriptor of this kernel is nonblocking, and there are no others to tell of.
    return (int)leave("fcntl", number, command == F_GETFL ? O_NONBLOCK | O_RDWR : 0, it == NULL ? EBADF : 0);
}

int close(int number) {
    if (!is_simulated(number)) return (int)syscall(SYS_close, number);
    enter();
    descriptor *it = find(number);
    if (it == NULL) return (int)leave("close", number, 0, EBADF);
    // The waker is closed with its loop, and nothing else can close it.
    if (it->is_watched && it->kind != EVENT) {
        complain("a descriptor closed that epoll still watches");
        unwatch(it);
    }
    if (it->kind == STREAM) close_stream(&kernel.streams[it->stream]);
    for (int index = 0; index < it->caller_count; index++) {
        kernel.streams[it->callers[index]].is_closed = true;
        kernel.streams[it->callers[index]].other_end_was_reset = true;
    }
    it->kind = FREE;
    kernel.open_descriptors--;
    kernel.progress++;
    // On Linux the number is free again even then.
    return (int)leave("close", number, 0, is_interrupted() ? EINTR : 0);
}

// The options of sockets change nothing here.

int setsockopt(int number, int level, int option, const void *value, socklen_t size) {
    if (!is_simulated(number)) return (int)syscall(SYS_setsockopt, number, level, option, value, size);
    enter();
    return (int)leave("setsockopt", number, 0, find(number) == NULL ? EBADF : 0);
}

int getsockopt(int number, int level, int option, void *value, socklen_t *size) {
    if (!is_simulated(number)) return (int)syscall(SYS_getsockopt, number, level, option, value, size);
    enter();
    stream *it = find_stream(number);
    if (it == NULL) return (int)leave("getsockopt", number, 0, EBADF);
    if (level != SOL_SOCKET || option != SO_ERROR) return (int)leave("getsockopt", number, 0, ENOPROTOOPT);
    if (it->error != 0) note_failure(it, it->error);
    *(int *)value = it->error;
    *size = sizeof(int);
    it->error = 0;
    return (int)leave("getsockopt", number, 0, 0);
}

static void write_address(uint32_t host, int port, struct sockaddr *address, socklen_t *length) {
    struct sockaddr_in written = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(host)};
    memcpy(address, &written, *length < sizeof written ? *length : sizeof written);
    *length = sizeof written;
}

// Peers come from 127.0.0.1 to 127.0.0.3.
void write_peer_address(int stream, struct sockaddr *address, socklen_t *length) {
    write_address(INADDR_LOOPBACK + (uint32_t)(stream % 3), 10000 + stream, address, length);
}

int getsockname(int number, struct sockaddr *address, socklen_t *length) {
    if (!is_simulated(number)) return (int)syscall(SYS_getsockname, number, address, length);
    enter();
    descriptor *it = find(number);
    if (it == NULL) return (int)leave("getsockname", number, 0, EBADF);
    write_address(INADDR_LOOPBACK, it->port, address, length);
    return (int)leave("getsockname", number, 0, 0);
}

int getpeername(int number, struct sockaddr *address, socklen_t *length) {
    if (!is_simulated(number)) return (int)syscall(SYS_getpeername, number, address, length);
    enter();
    stream *it = find_stream(number);
    if (it != NULL) kernel.named = (int)(it - kernel.streams);
    if (it == NULL || it->is_connecting || it->is_dead) return (int)leave("getpeername", number, 0, ENOTCONN);
    write_peer_address((int)(it - kernel.streams), address, length);
    return (int)leave("getpeername", number, 0, 0);
}
