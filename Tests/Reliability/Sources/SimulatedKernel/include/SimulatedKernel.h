// A kernel for one process: the system calls of a loop, its peers and its clock, all of it determined by seeds.
//
// The functions of libc's names that this target defines take the place of libc's, in the Swift code linked with it and in the shared
// libraries of the Swift runtime. Descriptors from SIMULATED_FIRST on are this kernel's; all others, and all calls made while it does
// not run, go to the real one. There is one thread: what "another thread" does is called from inside a system call.

#ifndef SIMULATED_KERNEL_H
#define SIMULATED_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIMULATED_FIRST = 1000, SIMULATED_DESCRIPTORS = 96, SIMULATED_STREAMS = 1024 };

/// How often the kernel does what a careless program does not expect, each in 1,024 of the occasions.
typedef struct {
    /// A send or a receive that moves fewer bytes than it could.
    int short_transfers;
    /// EAGAIN where there was something to do.
    int refusals;
    /// EINTR.
    int interruptions;
    /// ECONNRESET, EPIPE, ETIMEDOUT, ENOMEM and the like from a call on a stream, or from epoll_ctl.
    int failures;
    /// ECONNABORTED, EMFILE, ENFILE, ENOMEM from accept4.
    int accept_failures;
    /// An event for a descriptor that is not ready.
    int spurious_events;
    /// An event of a registration that is gone.
    int stale_events;
    /// Events that are there and come with a later wait only.
    int delays;
} kernel_faults;

/// What the kernel has seen and done since `kernel_begin`.
typedef enum {
    KERNEL_COUNT_CALLS,
    KERNEL_COUNT_WAITS,
    KERNEL_COUNT_EVENTS,
    KERNEL_COUNT_SHORT_SENDS,
    KERNEL_COUNT_SHORT_RECEIVES,
    KERNEL_COUNT_FULL_BUFFERS,
    KERNEL_COUNT_REFUSALS,
    KERNEL_COUNT_INTERRUPTIONS,
    KERNEL_COUNT_FAILURES,
    KERNEL_COUNT_DESCRIPTORS_EXHAUSTED,
    KERNEL_COUNT_SPURIOUS_EVENTS,
    KERNEL_COUNT_STALE_EVENTS,
    KERNEL_COUNT_ACCEPTED,
    KERNEL_COUNT_REUSED_DESCRIPTORS,
    KERNEL_COUNT_RESETS,
    KERNEL_COUNT_WAKES,
    KERNEL_COUNT_INTERLEAVINGS,
    KERNEL_COUNT_BYTES_SENT,
    KERNEL_COUNT_BYTES_RECEIVED,
    KERNEL_COUNTS
} kernel_count;

typedef enum {
    /// Both ends of a connected stream socket.
    STREAM_SOCKET,
    /// A pipe that the program reads.
    STREAM_INPUT,
    /// A pipe that the program writes.
    STREAM_OUTPUT,
} stream_kind;

// The kernel itself.

/// Forgets everything, and takes the place of the real kernel from now on until `kernel_end`.
void kernel_begin(const kernel_faults *_Nonnull faults);
void kernel_end(void);
/// Has what the kernel leaves to chance hang on `seed` alone from now on, whatever came before.
void kernel_seed(uint64_t seed);
void kernel_set_faults(const kernel_faults *_Nonnull faults);
/// Has calls that open a descriptor fail with EMFILE once the program has `count` of them; negative: never.
void kernel_limit_descriptors(int count);
/// Has every accept4 fail with `error`, and so every call that opens a descriptor if that is ENFILE or EMFILE; 0: no more.
void kernel_exhaust(int error);
/// Nanoseconds of the simulated clock.
int64_t kernel_now(void);
void kernel_advance(int64_t nanoseconds);
/// Whether a wait with nothing to come lets the clock jump, or returns at once and is remembered by `kernel_is_idle`.
void kernel_may_wait(bool may_wait);
/// Whether a wait since the last call of this has found nothing to do but to let time pass.
bool kernel_is_idle(void);
/// Whether the last wait had a deadline.
bool kernel_has_deadline(void);
/// How many waits would never have ended: there was nothing to come, and no deadline.
int kernel_endless_waits(void);
/// Has `interleave` called at `times` of the next system calls, chosen at random, and in any case before the loop sleeps.
void kernel_interleave(int times, void (*_Nonnull interleave)(void));
/// As a system call, at which another thread may run.
void kernel_yield(void);
/// How many of those calls are still to be made.
int kernel_interleavings_left(void);
/// Grows with everything that happened to or by the program: a loop that turns without it spins.
uint64_t kernel_progress(void);
uint64_t kernel_counted(kernel_count count);
/// A hash over all system calls and their results.
uint64_t kernel_hash(void);
/// What the program did that no program should: a call on a closed descriptor, for instance. NULL if nothing.
const char *_Nullable kernel_complaint(void);
/// Prints each call.
void kernel_trace(bool is_on);
int kernel_open_descriptors(void);
int kernel_watched_descriptors(void);
/// What is written in `note` if the kernel has to end the process, which would never end by itself.
void kernel_leave_note(char *_Nullable note, size_t size);

// The rest of the world: what is at the other ends. A stream is named by a number that is never used again.

/// A caller in the queue of the program's listener; -1 if nobody listens.
int world_call(int port, size_t input_capacity, size_t output_capacity);
/// A stream that the program has one end of; -1 if it has no descriptor left. `descriptor` is that of its end.
int world_open(stream_kind kind, size_t input_capacity, size_t output_capacity, int *_Nonnull descriptor);
/// How the program's next `connect` ends: after `delay` nanoseconds (0: at once, negative: never), with `error` or 0.
void world_expect_connect(int64_t delay, int error, size_t input_capacity, size_t output_capacity);
/// The first stream after one of this number that the program has begun to connect; -1 if there is none.
int world_next_connected(int stream);
/// The stream that the program has accepted or begun to connect last.
int world_newest(void);
/// The stream whose other end's address the program has asked for last, whether it was told or not.
int world_named(void);
/// Whether callers wait, and somebody waits for them.
bool world_waiting_callers_are_watched(void);

/// Writes, and returns how many bytes there was room for.
size_t world_write(int stream, const uint8_t *_Nonnull bytes, size_t count);
/// Reads, and returns how many bytes there were.
size_t world_read(int stream, size_t limit);
/// From now on the kernel holds as much for the other end as it likes.
void world_widen(int stream);
void world_shut_down(int stream);
void world_close(int stream);
void world_reset(int stream);

/// All that the program has sent, whether taken or not. Valid until the next system call.
const uint8_t *_Nullable world_sent(int stream);
size_t world_sent_count(int stream);
/// How many bytes of it the other end has taken.
size_t world_taken(int stream);
/// How many bytes of what was written the program has received, and how many it has not.
size_t world_received_count(int stream);
size_t world_unreceived_count(int stream);
/// When the kernel last took bytes for the stream, and when the program last received some.
int64_t world_last_sent(int stream);
int64_t world_last_received(int stream);
/// Whether the program has closed its end, and whether the other end has seen an end of the stream or a reset.
bool world_is_closed(int stream);
bool world_saw_end(int stream);
bool world_saw_reset(int stream);
/// Whether the program has seen the end of the other end's stream.
bool world_was_read_to_end(int stream);
/// Whether EPOLLOUT would be reported.
bool world_is_writable(int stream);
bool world_is_dead(int stream);
/// The last error that a call on the stream has failed with, for good; 0 if none has.
int world_failure(int stream);

// Workers.

/// As fork(2) and _exit(2), with nothing left in the buffers of standard output.
int world_fork(void);
void world_exit(int status) __attribute__((noreturn));

#endif
