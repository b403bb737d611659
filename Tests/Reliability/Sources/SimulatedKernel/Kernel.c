// The kernel as a whole: chance, system calls in general, what is counted, and the clock.

#include "Kernel.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

kernel_state kernel;

void kernel_begin(const kernel_faults *faults) {
    // The buffers of streams are kept from one scenario to the next.
    stream streams[SIMULATED_STREAMS];
    memcpy(streams, kernel.streams, sizeof streams);
    char *note = kernel.note;
    size_t note_size = kernel.note_size;
    bool is_traced = kernel.is_traced;
    memset(&kernel, 0, sizeof kernel);
    for (int index = 0; index < SIMULATED_STREAMS; index++) {
        kernel.streams[index].input = streams[index].input;
        kernel.streams[index].output = streams[index].output;
    }
    kernel.note = note;
    kernel.note_size = note_size;
    kernel.is_traced = is_traced;
    kernel.faults = *faults;
    kernel.now = 1000000000000;
    kernel.descriptor_limit = -1;
    kernel.newest = -1;
    kernel.named = -1;
    kernel.is_running = true;
}

void kernel_end(void) { kernel.is_running = false; }
void kernel_seed(uint64_t seed) {
    kernel.random = seed;
    kernel.program_random = seed;
}
void kernel_set_faults(const kernel_faults *faults) { kernel.faults = *faults; }
void kernel_limit_descriptors(int count) { kernel.descriptor_limit = count; }
void kernel_exhaust(int error) { kernel.exhaustion = error; }
int64_t kernel_now(void) { return kernel.now; }
void kernel_advance(int64_t nanoseconds) { kernel.now += nanoseconds; }
void kernel_may_wait(bool may_wait) { kernel.may_wait = may_wait; }
bool kernel_has_deadline(void) { return kernel.has_deadline; }
int kernel_endless_waits(void) { return kernel.endless_waits; }
uint64_t kernel_progress(void) { return kernel.progress; }
uint64_t kernel_counted(kernel_count count) { return kernel.counts[count]; }
uint64_t kernel_hash(void) { return kernel.hash; }
const char *kernel_complaint(void) { return kernel.complaint; }
void kernel_trace(bool is_on) { kernel.is_traced = is_on; }
int kernel_open_descriptors(void) { return kernel.open_descriptors; }

bool kernel_is_idle(void) {
    bool was_idle = kernel.is_idle;
    kernel.is_idle = false;
    return was_idle;
}

int kernel_watched_descriptors(void) {
    int count = 0;
    for (int index = 0; index < SIMULATED_DESCRIPTORS; index++) count += kernel.descriptors[index].is_watched;
    return count;
}

void kernel_leave_note(char *note, size_t size) {
    kernel.note = note;
    kernel.note_size = size;
}

void kernel_interleave(int times, void (*interleave)(void)) {
    kernel.interleavings += times;
    kernel.interleave = interleave;
}

void kernel_yield(void) { enter(); }

int kernel_interleavings_left(void) { return kernel.interleavings; }

// SplitMix64.
uint64_t next_random(void) {
    kernel.random += 0x9E3779B97F4A7C15;
    uint64_t mixed = kernel.random;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
}

size_t random_up_to(size_t limit) { return 1 + next_random() % limit; }

bool happens(int times_in_1024) { return times_in_1024 > 0 && (int)(next_random() & 1023) < times_in_1024; }

void enter(void) {
    kernel.counts[KERNEL_COUNT_CALLS]++;
    kernel.now += 200;
    if (kernel.interleavings > 0 && !kernel.is_interleaving && happens(128)) interleave();
}

void interleave(void) {
    kernel.interleavings--;
    kernel.counts[KERNEL_COUNT_INTERLEAVINGS]++;
    kernel.progress++;
    kernel.is_interleaving = true;
    kernel.interleave();
    kernel.is_interleaving = false;
}

long leave(const char *name, int number, long result, int error) {
    if (error != 0) result = -1;
    uint64_t words[5] = {(uint64_t)name[0] << 8 | (uint64_t)name[1], (uint64_t)number, (uint64_t)result, (uint64_t)error,
                         (uint64_t)kernel.now};
    for (int index = 0; index < 5; index++) {
        kernel.hash = (kernel.hash ^ words[index]) * 0x9E3779B97F4A7C15;
        kernel.hash ^= kernel.hash >> 32;
    }
    if (kernel.is_traced) {
        if (error != 0) {
            printf("      %s(%d) = -1, %s\n", name, number, strerrorname_np(error));
        } else {
            printf("      %s(%d) = %ld\n", name, number, result);
        }
    }
    if (error != 0) errno = error;
    return result;
}

void complain(const char *what) {
    if (kernel.complaint == NULL) kernel.complaint = what;
}

void die(const char *what) {
    if (kernel.note != NULL) {
        strncpy(kernel.note, what, kernel.note_size - 1);
        kernel.note[kernel.note_size - 1] = 0;
    }
    fflush(stdout);
    abort();
}

bool is_interrupted(void) {
    if (!happens(kernel.faults.interruptions)) return false;
    kernel.counts[KERNEL_COUNT_INTERRUPTIONS]++;
    kernel.progress++;
    return true;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!kernel.is_running) return (int)syscall(SYS_clock_gettime, clock, time);
    kernel.now += 100;
    time->tv_sec = kernel.now / 1000000000;
    time->tv_nsec = kernel.now % 1000000000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (result != NULL) *result = now.tv_sec;
    return now.tv_sec;
}

// Where Swift's SystemRandomNumberGenerator has its numbers from. They are others than those by which the kernel decides.
void swift_stdlib_random(void *bytes, size_t count) {
    if (!kernel.is_running) {
        for (size_t got = 0; got < count;) {
            long result = syscall(SYS_getrandom, (char *)bytes + got, count - got, 0);
            if (result > 0) got += (size_t)result;
        }
        return;
    }
    for (size_t index = 0; index < count; index++) {
        kernel.program_random = kernel.program_random * 6364136223846793005 + 1442695040888963407;
        ((uint8_t *)bytes)[index] = (uint8_t)(kernel.program_random >> 56);
    }
}

// What plays another thread must not be taken for the loop's.
pthread_t pthread_self(void) {
    static pthread_t (*real)(void);
    if (real == NULL) real = (pthread_t(*)(void))dlsym(RTLD_NEXT, "pthread_self");
    return real() + kernel.is_interleaving;
}

int world_fork(void) {
    fflush(NULL);
    return fork();
}

void world_exit(int status) {
    fflush(NULL);
    _exit(status);
}
