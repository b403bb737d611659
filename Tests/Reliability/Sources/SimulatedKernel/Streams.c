// Streams: connected sockets and pipes as the program sees them, with buffers that are bounded and ends that can be shut, closed, reset.

#include "Kernel.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static void append(queue *it, const void *bytes, size_t count) {
    if (it->count + count > it->capacity) {
        it->capacity = 2 * (it->count + count);
        it->bytes = realloc(it->bytes, it->capacity);
        if (it->bytes == NULL) abort();
    }
    memcpy(it->bytes + it->count, bytes, count);
    it->count += count;
}

static size_t waiting(const queue *it) { return it->count - it->taken; }

int new_stream(stream_kind kind, size_t input_capacity, size_t output_capacity) {
    if (kernel.stream_count == SIMULATED_STREAMS) return -1;
    int number = kernel.stream_count++;
    stream *it = &kernel.streams[number];
    queue input = it->input, output = it->output;
    memset(it, 0, sizeof *it);
    it->input = (queue){.bytes = input.bytes, .capacity = input.capacity};
    it->output = (queue){.bytes = output.bytes, .capacity = output.capacity};
    it->kind = kind;
    it->descriptor = -1;
    it->input_capacity = input_capacity;
    it->output_capacity = output_capacity;
    return number;
}

void reset_stream(stream *it, int error) {
    if (it->is_dead) return;
    it->is_dead = true;
    it->is_connecting = false;
    it->error = error;
    it->reset_is_under_way = false;
    kernel.counts[KERNEL_COUNT_RESETS]++;
    // What had come before may still be there, or not.
    if (next_random() & 1) it->input.count = it->input.taken;
}

void close_stream(stream *it) {
    it->is_closed = true;
    it->descriptor = -1;
    // Closing a socket with unread input resets the connection.
    if (it->kind == STREAM_SOCKET && waiting(&it->input) > 0) {
        it->other_end_was_reset = true;
    } else if (!it->is_dead) {
        it->output_has_ended = true;
    }
}

uint32_t stream_readiness(const stream *it) {
    if (it->is_connecting) return 0;
    uint32_t events = 0;
    if (it->error != 0) events |= EPOLLERR;
    if (it->is_dead) return events | EPOLLHUP | EPOLLIN | EPOLLOUT | EPOLLRDHUP;
    if (it->kind == STREAM_OUTPUT && it->is_abandoned) return EPOLLERR | EPOLLOUT;
    if (waiting(&it->input) > 0) events |= EPOLLIN;
    if (it->input_has_ended) {
        events |= it->kind == STREAM_INPUT ? EPOLLHUP : EPOLLIN | EPOLLRDHUP;
        if (it->output_has_ended) events |= EPOLLHUP;
    }
    if (it->kind == STREAM_INPUT) return events;
    // A socket counts as writable once a third of its buffer is free, though it takes less before.
    size_t queued = waiting(&it->output);
    bool has_room = queued < it->output_capacity && it->output_capacity - queued >= queued / 2;
    if (it->output_has_ended || has_room) events |= EPOLLOUT;
    return events;
}

void let_the_network_work(void) {
    for (int index = 0; index < kernel.stream_count; index++) {
        stream *it = &kernel.streams[index];
        if (it->is_connecting && it->connected_at <= kernel.now) {
            it->is_connecting = false;
            if (it->connect_error != 0) reset_stream(it, it->connect_error);
        }
        // The peer had said before that it has nothing more to send: then it is a broken pipe.
        if (it->reset_is_under_way) reset_stream(it, it->input_has_ended ? EPIPE : ECONNRESET);
    }
}

int64_t next_network_event(void) {
    int64_t next = INT64_MAX;
    for (int index = 0; index < kernel.stream_count; index++) {
        stream *it = &kernel.streams[index];
        if (it->is_connecting && !it->is_closed && it->connected_at < next) next = it->connected_at;
    }
    return next;
}

// MARK: The program's calls

/// Whether a call on a stream fails by chance, and how.
static int mishap(stream *it) {
    if (it->reset_is_under_way && (next_random() & 3) == 0) let_the_network_work();
    if (is_interrupted()) return EINTR;
    if (happens(kernel.faults.refusals)) {
        kernel.counts[KERNEL_COUNT_REFUSALS]++;
        kernel.progress++;
        return EAGAIN;
    }
    if (it->kind == STREAM_SOCKET && happens(kernel.faults.failures)) {
        static const int errors[] = {ECONNRESET, ETIMEDOUT, EPIPE, ENOMEM, ENOBUFS, EHOSTUNREACH};
        int error = errors[next_random() % 6];
        kernel.counts[KERNEL_COUNT_FAILURES]++;
        if (error != ENOMEM && error != ENOBUFS) reset_stream(it, 0);
        return error;
    }
    return 0;
}

void note_failure(stream *it, int error) {
    if (it->failure == 0) it->failure = error;
}

static long fail(const char *name, int number, stream *it, int error) {
    if (error != EAGAIN && error != EINTR) {
        note_failure(it, error);
        kernel.progress++;
    }
    return leave(name, number, -1, error);
}

static long receive(const char *name, int number, void *bytes, size_t limit) {
    enter();
    stream *it = find_stream(number);
    if (it == NULL) return leave(name, number, -1, EBADF);
    int error = mishap(it);
    if (error != 0) return fail(name, number, it, error);
    size_t count = waiting(&it->input);
    if (it->is_connecting) return fail(name, number, it, EAGAIN);
    if (count > 0) {
        if (count > limit) count = limit;
        if (happens(kernel.faults.short_transfers)) {
            count = random_up_to(count);
            kernel.counts[KERNEL_COUNT_SHORT_RECEIVES]++;
        }
        memcpy(bytes, it->input.bytes + it->input.taken, count);
        it->input.taken += count;
        it->last_input = kernel.now;
        kernel.counts[KERNEL_COUNT_BYTES_RECEIVED] += count;
        kernel.progress++;
        return leave(name, number, (long)count, 0);
    }
    if (it->error != 0) {
        error = it->error;
        it->error = 0;
        return fail(name, number, it, error);
    }
    if (it->input_has_ended || it->is_dead) {
        it->was_read_to_end = true;
        kernel.progress++;
        return leave(name, number, 0, 0);
    }
    return fail(name, number, it, EAGAIN);
}

static long transmit(const char *name, int number, const struct iovec *vectors, size_t vector_count) {
    enter();
    stream *it = find_stream(number);
    if (it == NULL) return leave(name, number, -1, EBADF);
    int error = mishap(it);
    if (error == 0) {
        if (it->error != 0) {
            error = it->error;
            it->error = 0;
        } else if (it->is_dead || it->output_has_ended || (it->is_abandoned && it->kind == STREAM_OUTPUT)) {
            error = EPIPE;
        } else if (it->is_connecting) {
            error = EAGAIN;
        }
    }
    if (error != 0) return fail(name, number, it, error);
    size_t total = 0;
    for (size_t index = 0; index < vector_count; index++) total += vectors[index].iov_len;
    if (total == 0) return leave(name, number, 0, 0);
    size_t room = it->output_capacity - waiting(&it->output);
    size_t count = total < room ? total : room;
    if (count == 0) {
        kernel.counts[KERNEL_COUNT_FULL_BUFFERS]++;
        return fail(name, number, it, EAGAIN);
    }
    if (happens(kernel.faults.short_transfers)) count = random_up_to(count);
    if (count < total) kernel.counts[KERNEL_COUNT_SHORT_SENDS]++;
    size_t rest = count;
    for (size_t index = 0; index < vector_count && rest > 0; index++) {
        size_t part = vectors[index].iov_len < rest ? vectors[index].iov_len : rest;
        append(&it->output, vectors[index].iov_base, part);
        rest -= part;
    }
    it->last_output = kernel.now;
    if (it->is_abandoned) {
        it->output.taken = it->output.count;
        it->reset_is_under_way = true;
    }
    kernel.counts[KERNEL_COUNT_BYTES_SENT] += count;
    kernel.progress++;
    return leave(name, number, (long)count, 0);
}

ssize_t recv(int number, void *bytes, size_t limit, int flags) {
    if (!is_simulated(number)) return syscall(SYS_recvfrom, number, bytes, limit, flags, NULL, NULL);
    return receive("recv", number, bytes, limit);
}

ssize_t read(int number, void *bytes, size_t limit) {
    if (!is_simulated(number)) return syscall(SYS_read, number, bytes, limit);
    return receive("read", number, bytes, limit);
}

ssize_t send(int number, const void *bytes, size_t count, int flags) {
    if (!is_simulated(number)) return syscall(SYS_sendto, number, bytes, count, flags, NULL, 0);
    if (!(flags & MSG_NOSIGNAL)) complain("a send that could raise SIGPIPE");
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
    return transmit("send", number, &vector, 1);
}

ssize_t sendmsg(int number, const struct msghdr *message, int flags) {
    if (!is_simulated(number)) return syscall(SYS_sendmsg, number, message, flags);
    if (!(flags & MSG_NOSIGNAL)) complain("a send that could raise SIGPIPE");
    return transmit("sendmsg", number, message->msg_iov, message->msg_iovlen);
}

ssize_t writev(int number, const struct iovec *vectors, int count) {
    if (!is_simulated(number)) return syscall(SYS_writev, number, vectors, count);
    return transmit("writev", number, vectors, (size_t)count);
}

int shutdown(int number, int how) {
    if (!is_simulated(number)) return (int)syscall(SYS_shutdown, number, how);
    enter();
    stream *it = find_stream(number);
    if (it == NULL) return (int)leave("shutdown", number, -1, EBADF);
    if (it->is_dead || it->is_connecting) return (int)leave("shutdown", number, -1, ENOTCONN);
    it->output_has_ended = true;
    kernel.progress++;
    return (int)leave("shutdown", number, 0, 0);
}

int connect(int number, const struct sockaddr *address, socklen_t length) {
    if (!is_simulated(number)) return (int)syscall(SYS_connect, number, address, length);
    enter();
    descriptor *it = find(number);
    if (it == NULL) return (int)leave("connect", number, -1, EBADF);
    int64_t delay = kernel.expected_connect.delay;
    int error = kernel.expected_connect.error;
    int stream_number =
        new_stream(STREAM_SOCKET, kernel.expected_connect.input_capacity, kernel.expected_connect.output_capacity);
    if (stream_number < 0) return (int)leave("connect", number, -1, ENOBUFS);
    if (delay == 0 && error != 0) return (int)leave("connect", number, -1, error);
    stream *made = &kernel.streams[stream_number];
    it->kind = STREAM;
    it->stream = stream_number;
    made->descriptor = number;
    made->is_outgoing = true;
    kernel.newest = stream_number;
    kernel.progress++;
    if (delay == 0) return (int)leave("connect", number, 0, 0);
    made->is_connecting = true;
    made->connected_at = delay < 0 ? INT64_MAX : kernel.now + delay;
    made->connect_error = error;
    return (int)leave("connect", number, -1, is_interrupted() ? EINTR : EINPROGRESS);
}

int accept4(int number, struct sockaddr *address, socklen_t *length, int flags) {
    if (!is_simulated(number)) return (int)syscall(SYS_accept4, number, address, length, flags);
    enter();
    descriptor *listener = find(number);
    if (listener == NULL || listener->kind != LISTENER) return (int)leave("accept4", number, -1, EBADF);
    if (is_interrupted()) return (int)leave("accept4", number, -1, EINTR);
    if (happens(kernel.faults.accept_failures)) {
        // ECONNABORTED is left to callers that are gone; these are of the machine, or of the network.
        static const int errors[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS, EPROTO, ENETDOWN};
        kernel.counts[KERNEL_COUNT_FAILURES]++;
        kernel.progress++;
        return (int)leave("accept4", number, -1, errors[next_random() % 6]);
    }
    if (kernel.exhaustion != 0) return (int)leave("accept4", number, -1, kernel.exhaustion);
    // On Linux this comes before a look at the queue.
    bool is_exhausted = kernel.descriptor_limit >= 0 && kernel.open_descriptors >= kernel.descriptor_limit;
    if (!is_exhausted && listener->caller_count == 0) return (int)leave("accept4", number, -1, EAGAIN);
    int accepted = open_descriptor(STREAM);
    if (accepted < 0) return (int)leave("accept4", number, -1, EMFILE);
    int caller = listener->callers[0];
    listener->caller_count--;
    memmove(listener->callers, listener->callers + 1, (size_t)listener->caller_count * sizeof(int));
    stream *it = &kernel.streams[caller];
    kernel.progress++;
    if (it->is_dead && (next_random() & 1)) {
        kernel.descriptors[accepted - SIMULATED_FIRST].kind = FREE;
        kernel.open_descriptors--;
        it->is_closed = true;
        return (int)leave("accept4", number, -1, ECONNABORTED);
    }
    kernel.descriptors[accepted - SIMULATED_FIRST].stream = caller;
    it->descriptor = accepted;
    kernel.newest = caller;
    kernel.counts[KERNEL_COUNT_ACCEPTED]++;
    if (address != NULL) write_peer_address(caller, address, length);
    return (int)leave("accept4", number, accepted, 0);
}

// MARK: The other ends

int world_call(int port, size_t input_capacity, size_t output_capacity) {
    for (int index = 0; index < SIMULATED_DESCRIPTORS; index++) {
        descriptor *it = &kernel.descriptors[index];
        if (it->kind != LISTENER || it->port != port || it->caller_count == CALLERS) continue;
        int caller = new_stream(STREAM_SOCKET, input_capacity, output_capacity);
        if (caller >= 0) it->callers[it->caller_count++] = caller;
        return caller;
    }
    return -1;
}

int world_open(stream_kind kind, size_t input_capacity, size_t output_capacity, int *number) {
    *number = open_descriptor(STREAM);
    if (*number < 0) return -1;
    int made = new_stream(kind, input_capacity, output_capacity);
    if (made < 0) abort();
    kernel.descriptors[*number - SIMULATED_FIRST].stream = made;
    kernel.streams[made].descriptor = *number;
    kernel.newest = made;
    return made;
}

void world_expect_connect(int64_t delay, int error, size_t input_capacity, size_t output_capacity) {
    kernel.expected_connect.delay = delay;
    kernel.expected_connect.error = error;
    kernel.expected_connect.input_capacity = input_capacity;
    kernel.expected_connect.output_capacity = output_capacity;
}

int world_next_connected(int number) {
    for (int next = number + 1; next < kernel.stream_count; next++) {
        if (kernel.streams[next].is_outgoing) return next;
    }
    return -1;
}

int world_newest(void) { return kernel.newest; }
int world_named(void) { return kernel.named; }

bool world_waiting_callers_are_watched(void) {
    for (int index = 0; index < SIMULATED_DESCRIPTORS; index++) {
        descriptor *it = &kernel.descriptors[index];
        if (it->kind == LISTENER && it->is_watched && it->caller_count > 0) return true;
    }
    return false;
}

size_t world_write(int number, const uint8_t *bytes, size_t count) {
    stream *it = &kernel.streams[number];
    if (it->input_has_ended || it->is_abandoned || it->is_dead || it->is_connecting || it->kind == STREAM_OUTPUT) return 0;
    if (it->is_closed) {
        it->other_end_was_reset = true;
        return 0;
    }
    size_t room = it->input_capacity - waiting(&it->input);
    if (count > room) count = room;
    append(&it->input, bytes, count);
    return count;
}

size_t world_read(int number, size_t limit) {
    stream *it = &kernel.streams[number];
    size_t count = waiting(&it->output);
    if (count > limit) count = limit;
    it->output.taken += count;
    return count;
}

void world_widen(int number) { kernel.streams[number].output_capacity = 1 << 24; }

void world_shut_down(int number) {
    stream *it = &kernel.streams[number];
    if (!it->is_connecting) it->input_has_ended = true;
}

void world_close(int number) {
    stream *it = &kernel.streams[number];
    if (it->is_abandoned || it->is_dead || it->is_connecting) return;
    // As in close_stream, the other way round.
    bool has_unread = it->kind == STREAM_SOCKET && waiting(&it->output) > 0;
    it->output.taken = it->output.count;
    it->is_abandoned = true;
    if (has_unread) {
        reset_stream(it, ECONNRESET);
    } else {
        it->input_has_ended = true;
    }
}

void world_reset(int number) {
    stream *it = &kernel.streams[number];
    if (it->kind != STREAM_SOCKET || it->is_connecting) return world_close(number);
    it->output.taken = it->output.count;
    it->is_abandoned = true;
    reset_stream(it, ECONNRESET);
}

const uint8_t *world_sent(int number) { return kernel.streams[number].output.bytes; }
size_t world_sent_count(int number) { return kernel.streams[number].output.count; }
size_t world_taken(int number) { return kernel.streams[number].output.taken; }
size_t world_received_count(int number) { return kernel.streams[number].input.taken; }
size_t world_unreceived_count(int number) { return waiting(&kernel.streams[number].input); }
int64_t world_last_sent(int number) { return kernel.streams[number].last_output; }
int64_t world_last_received(int number) { return kernel.streams[number].last_input; }
bool world_is_closed(int number) { return kernel.streams[number].is_closed; }
bool world_saw_end(int number) { return kernel.streams[number].output_has_ended; }
bool world_saw_reset(int number) { return kernel.streams[number].other_end_was_reset; }
bool world_was_read_to_end(int number) { return kernel.streams[number].was_read_to_end; }
bool world_is_writable(int number) { return stream_readiness(&kernel.streams[number]) & EPOLLOUT; }
bool world_is_dead(int number) { return kernel.streams[number].is_dead; }
int world_failure(int number) { return kernel.streams[number].failure; }
