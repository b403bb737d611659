// Shifts the wall clock of the process that it is preloaded into, with each SIGUSR1: a day ahead, then two days back, and so on, ever
// further. The monotonic clocks stay as they are.
//
//     cc -O2 -shared -fPIC clock_jump.c -o clock_jump.so
//     LD_PRELOAD=./clock_jump.so program

#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t jumps;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

static long shift(void) {
    long count = jumps;
    long days = (count + 1) / 2;
    return 86400 * (count % 2 ? days : -days);
}

static void jump(int number) {
    (void)number;
    jumps = jumps + 1;
}

__attribute__((constructor)) static void prepare(void) {
    struct sigaction action = {.sa_handler = jump, .sa_flags = SA_RESTART};
    real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    sigaction(SIGUSR1, &action, NULL);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!real_clock_gettime) prepare();
    int result = real_clock_gettime(clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += shift();
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    if (result == 0) *time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return result;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}
