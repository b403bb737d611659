// What the files of the simulated kernel share.

#ifndef KERNEL_H
#define KERNEL_H

#define _GNU_SOURCE

#include "SimulatedKernel.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
    /// How many of them have been taken out.
    size_t taken;
} queue;

typedef struct {
    stream_kind kind;
    /// The program's end; -1 if it is not open: waiting to be accepted, or closed.
    int descriptor;
    bool is_closed;

    queue input;
    size_t input_capacity;
    int64_t last_input;
    bool input_has_ended;
    bool was_read_to_end;

    queue output;
    size_t output_capacity;
    bool output_has_ended;
    int64_t last_output;

    /// The other end is gone, without a reset so far: whatever is sent to it brings one.
    bool is_abandoned;
    bool reset_is_under_way;
    /// The connection has ended by a reset or a failure.
    bool is_dead;
    bool other_end_was_reset;
    /// SO_ERROR.
    int error;
    /// The first that the library was told of: a connection closes for that.
    int failure;

    /// The program has made it.
    bool is_outgoing;
    bool is_connecting;
    int64_t connected_at; // INT64_MAX: never.
    int connect_error;
} stream;

typedef enum { FREE, UNBOUND, STREAM, LISTENER, EPOLL, EVENT, NOTHING } descriptor_kind;

enum { CALLERS = 64 };

typedef struct {
    descriptor_kind kind;
    bool was_used;
    int stream;
    int port;
    // A listener's callers.
    int callers[CALLERS];
    int caller_count;
    // What epoll watches it for.
    bool is_watched;
    /// By which epoll: each loop has one.
    int epoll;
    uint32_t interest;
    uint64_t data;
    /// An edge that has not been reported.
    bool has_edge;
} descriptor;

enum { REMEMBERED = 8 };

typedef struct {
    bool is_running;
    bool is_traced;
    kernel_faults faults;
    uint64_t random;
    uint64_t program_random;
    int64_t now;
    bool may_wait;
    bool is_idle;
    bool has_deadline;
    int endless_waits;
    int descriptor_limit;
    int exhaustion;
    int open_descriptors;
    uint64_t progress;
    uint64_t hash;
    uint64_t counts[KERNEL_COUNTS];
    const char *complaint;
    char *note;
    size_t note_size;

    int interleavings;
    void (*interleave)(void);
    bool is_interleaving;

    descriptor descriptors[SIMULATED_DESCRIPTORS];
    /// The data of registrations that are gone, and with which epoll they were.
    uint64_t stale[REMEMBERED];
    int stale_epoll[REMEMBERED];
    int stale_count;

    stream streams[SIMULATED_STREAMS];
    int stream_count;
    int newest;
    int named;

    struct {
        int64_t delay;
        int error;
        size_t input_capacity, output_capacity;
    } expected_connect;
} kernel_state;

extern kernel_state kernel;

static inline bool is_simulated(int number) { return kernel.is_running && number >= SIMULATED_FIRST; }

// Chance.
uint64_t next_random(void);
/// A number from 1 to `limit`.
size_t random_up_to(size_t limit);
bool happens(int times_in_1024);

// System calls.
/// Begins a system call: time passes, and another thread may run.
void enter(void);
/// Lets another thread run now.
void interleave(void);
/// Ends it: notes the result, and sets errno if `error` is not 0.
long leave(const char *name, int number, long result, int error);
void complain(const char *what);
/// The descriptor of that number; complains and returns NULL if it is not open.
descriptor *find(int number);
/// The stream of a descriptor, or NULL.
stream *find_stream(int number);
/// Where the other end of a stream is.
void write_peer_address(int stream, struct sockaddr *address, socklen_t *length);
/// A new descriptor, the lowest number that is free; -1 and EMFILE if there is none.
int open_descriptor(descriptor_kind kind);
bool is_interrupted(void);
void die(const char *what) __attribute__((noreturn));

// Streams.
int new_stream(stream_kind kind, size_t input_capacity, size_t output_capacity);
void note_failure(stream *it, int error);
void reset_stream(stream *it, int error);
void close_stream(stream *it);
uint32_t stream_readiness(const stream *it);
/// Has happen what time or the network brings: connections that come about, resets that arrive.
void let_the_network_work(void);
int64_t next_network_event(void);
void unwatch(descriptor *it);

#endif
