// epoll, level-triggered but for what asks for edges, and the eventfd by which other threads wake the loop.

#include "Kernel.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

static uint32_t readiness(const descriptor *it) {
    switch (it->kind) {
    case STREAM: return stream_readiness(&kernel.streams[it->stream]);
    case LISTENER: return it->caller_count > 0 ? EPOLLIN : 0;
    // Never read, its counter is above 0 from the first wake on: only edges tell.
    case EVENT: return it->has_edge ? EPOLLIN : 0;
    case UNBOUND: return EPOLLOUT | EPOLLHUP;
    default: return 0;
    }
}

void unwatch(descriptor *it) {
    it->is_watched = false;
    memmove(kernel.stale + 1, kernel.stale, (REMEMBERED - 1) * sizeof kernel.stale[0]);
    kernel.stale[0] = it->data;
    memmove(kernel.stale_epoll + 1, kernel.stale_epoll, (REMEMBERED - 1) * sizeof kernel.stale_epoll[0]);
    kernel.stale_epoll[0] = it->epoll;
    if (kernel.stale_count < REMEMBERED) kernel.stale_count++;
}

int epoll_create1(int flags) {
    if (!kernel.is_running) return (int)syscall(SYS_epoll_create1, flags);
    enter();
    int number = open_descriptor(EPOLL);
    return (int)leave("epoll_create1", flags, number, number < 0 ? EMFILE : 0);
}

int epoll_ctl(int epoll, int operation, int number, struct epoll_event *event) {
    if (!is_simulated(epoll)) return (int)syscall(SYS_epoll_ctl, epoll, operation, number, event);
    enter();
    descriptor *it = find(number);
    if (it == NULL || find(epoll) == NULL) return (int)leave("epoll_ctl", number, -1, EBADF);
    if (operation == EPOLL_CTL_DEL) {
        if (!it->is_watched) {
            complain("EPOLL_CTL_DEL of a descriptor that is not watched");
            return (int)leave("epoll_ctl DEL", number, -1, ENOENT);
        }
        unwatch(it);
        return (int)leave("epoll_ctl DEL", number, 0, 0);
    }
    const char *name = operation == EPOLL_CTL_ADD ? "epoll_ctl ADD" : "epoll_ctl MOD";
    if ((operation == EPOLL_CTL_ADD) == it->is_watched) {
        complain("EPOLL_CTL_ADD of a descriptor that is watched, or EPOLL_CTL_MOD of one that is not");
        return (int)leave(name, number, -1, it->is_watched ? EEXIST : ENOENT);
    }
    if ((event->events & ~(uint32_t)EPOLLET) == 0) complain("a descriptor watched for nothing, which reports hang-ups for ever");
    if (it->kind == STREAM && happens(kernel.faults.failures)) {
        kernel.counts[KERNEL_COUNT_FAILURES]++;
        kernel.progress++;
        int error = operation == EPOLL_CTL_ADD && (next_random() & 1) ? ENOSPC : ENOMEM;
        note_failure(&kernel.streams[it->stream], error);
        return (int)leave(name, number, -1, error);
    }
    it->is_watched = true;
    it->epoll = epoll;
    it->interest = event->events;
    it->data = event->data.u64;
    leave(name, number, (long)event->events, 0);
    return 0;
}

int eventfd(unsigned int count, int flags) {
    if (!kernel.is_running) return (int)syscall(SYS_eventfd2, count, flags);
    enter();
    int number = open_descriptor(EVENT);
    return (int)leave("eventfd", flags, number, number < 0 ? EMFILE : 0);
}

static void signal_event(int number) {
    enter();
    descriptor *it = find(number);
    if (it != NULL) it->has_edge = true;
    kernel.counts[KERNEL_COUNT_WAKES]++;
    kernel.progress++;
    leave("eventfd_write", number, 0, 0);
}

int eventfd_write(int number, eventfd_t value) {
    if (!is_simulated(number)) return syscall(SYS_write, number, &value, sizeof value) == sizeof value ? 0 : -1;
    signal_event(number);
    return 0;
}

ssize_t write(int number, const void *bytes, size_t count) {
    if (!is_simulated(number)) return syscall(SYS_write, number, bytes, count);
    signal_event(number);
    return (ssize_t)count;
}

// MARK: Waiting

/// The events that there are, in any order, and how many.
static int collect(int epoll, struct epoll_event *events) {
    int count = 0;
    for (int index = 0; index < SIMULATED_DESCRIPTORS; index++) {
        descriptor *it = &kernel.descriptors[index];
        if (it->kind == FREE || !it->is_watched || it->epoll != epoll) continue;
        uint32_t ready = readiness(it) & (it->interest | EPOLLERR | EPOLLHUP);
        if (ready != 0) events[count++] = (struct epoll_event){.events = ready, .data.u64 = it->data};
    }
    return count;
}

static void shuffle(struct epoll_event *events, int count) {
    for (int index = count - 1; index > 0; index--) {
        int other = (int)(next_random() % (uint64_t)(index + 1));
        struct epoll_event event = events[index];
        events[index] = events[other];
        events[other] = event;
    }
}

static descriptor *pick_watched(int epoll) {
    int start = (int)(next_random() % 16);
    for (int offset = 0; offset < SIMULATED_DESCRIPTORS; offset++) {
        descriptor *it = &kernel.descriptors[(start + offset) % SIMULATED_DESCRIPTORS];
        if (it->kind != FREE && it->is_watched && it->epoll == epoll && it->kind != EVENT) return it;
    }
    return NULL;
}

/// An event for a descriptor that is not ready, or is not registered any more.
static int add_false_alarms(int epoll, struct epoll_event *events, int count) {
    descriptor *it = happens(kernel.faults.spurious_events) ? pick_watched(epoll) : NULL;
    if (it != NULL) {
        bool is_connecting = it->kind == STREAM && kernel.streams[it->stream].is_connecting;
        uint32_t ready = it->interest & (EPOLLIN | EPOLLOUT);
        if (!is_connecting && readiness(it) == 0 && ready != 0) {
            events[count++] = (struct epoll_event){.events = ready, .data.u64 = it->data};
            kernel.counts[KERNEL_COUNT_SPURIOUS_EVENTS]++;
            kernel.progress++;
        }
    }
    if (kernel.stale_count > 0 && happens(kernel.faults.stale_events)) {
        static const uint32_t kinds[] = {EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLHUP, EPOLLERR | EPOLLHUP};
        int index = (int)(next_random() % (uint64_t)kernel.stale_count);
        uint32_t kind = kinds[next_random() % 5];
        if (kernel.stale_epoll[index] == epoll) {
            events[count++] = (struct epoll_event){.events = kind, .data.u64 = kernel.stale[index]};
            kernel.counts[KERNEL_COUNT_STALE_EVENTS]++;
            kernel.progress++;
        }
    }
    return count;
}

static void report_edge(int epoll, uint64_t data) {
    for (int index = 0; index < SIMULATED_DESCRIPTORS; index++) {
        descriptor *it = &kernel.descriptors[index];
        if (it->kind == EVENT && it->is_watched && it->epoll == epoll && it->data == data) it->has_edge = false;
    }
}

/// Lets time pass until the deadline or until the network brings something. Returns whether there is anything to wait for.
static bool sleep_until(int64_t deadline) {
    int64_t next = next_network_event();
    if (deadline < next) next = deadline;
    if (next == INT64_MAX) return false;
    if (next > kernel.now) kernel.now = next;
    return true;
}

int epoll_wait(int number, struct epoll_event *events, int capacity, int milliseconds) {
    if (!is_simulated(number)) return (int)syscall(SYS_epoll_pwait, number, events, capacity, milliseconds, NULL, 8);
    enter();
    kernel.counts[KERNEL_COUNT_WAITS]++;
    if (find(number) == NULL) return (int)leave("epoll_wait", number, -1, EBADF);
    if (is_interrupted()) return (int)leave("epoll_wait", number, -1, EINTR);
    kernel.has_deadline = milliseconds >= 0;
    int64_t deadline = milliseconds < 0 ? INT64_MAX : kernel.now + milliseconds * (int64_t)1000000;
    struct epoll_event ready[SIMULATED_DESCRIPTORS + 2];
    int count = 0;
    while (true) {
        let_the_network_work();
        count = add_false_alarms(number, ready, collect(number, ready));
        if (count > 0 || milliseconds == 0) break;
        if (kernel.interleavings > 0) {
            interleave();
        } else if (!kernel.may_wait) {
            kernel.is_idle = true;
            break;
        } else if (!sleep_until(deadline)) {
            kernel.is_idle = true;
            if (++kernel.endless_waits > 8) die("the loop sleeps for ever, though it was told to stop");
            // So that the caller can tell of it: as if a wake had come after all.
            for (int index = 0; index < SIMULATED_DESCRIPTORS; index++) {
                if (kernel.descriptors[index].kind == EVENT) kernel.descriptors[index].has_edge = true;
            }
        } else if (kernel.now >= deadline) {
            let_the_network_work();
            count = collect(number, ready);
            break;
        }
    }
    shuffle(ready, count);
    if (count > capacity) count = capacity;
    if (count > 0 && happens(kernel.faults.delays)) {
        int kept = (int)(next_random() % (uint64_t)count);
        count = milliseconds == 0 || kept > 0 ? kept : 1;
        kernel.progress++;
    }
    for (int index = 0; index < count; index++) {
        events[index] = ready[index];
        report_edge(number, ready[index].data.u64);
    }
    kernel.counts[KERNEL_COUNT_EVENTS] += (uint64_t)count;
    return (int)leave("epoll_wait", milliseconds, count, 0);
}
