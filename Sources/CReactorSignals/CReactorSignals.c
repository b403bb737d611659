#include "CReactorSignals.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct signal_watch {
    uint64_t watched;
    int descriptor;
    _Atomic uint64_t arrived;
    struct signal_watch *_Atomic next;
};

// All of it is lock-free on every Linux: a handler may interrupt a thread that is in the middle of any of these functions.
static struct signal_watch *_Atomic first;
static _Atomic int handlers_running;
static struct sigaction previous[65];

static void handle(int signal) {
    int saved = errno;
    atomic_fetch_add(&handlers_running, 1);
    uint64_t bit = UINT64_C(1) << (signal - 1);
    for (struct signal_watch *watch = atomic_load(&first); watch; watch = atomic_load(&watch->next)) {
        if (!(watch->watched & bit)) continue;
        atomic_fetch_or(&watch->arrived, bit);
        uint64_t one = 1;
        // It fails only if the counter is full, and then the descriptor is readable anyway.
        ssize_t ignored = write(watch->descriptor, &one, sizeof one);
        (void)ignored;
    }
    atomic_fetch_sub(&handlers_running, 1);
    errno = saved;
}

struct signal_watch *signal_watch_add(uint64_t watched, int descriptor) {
    struct signal_watch *watch = malloc(sizeof *watch);
    if (!watch) return NULL;
    watch->watched = watched;
    watch->descriptor = descriptor;
    atomic_init(&watch->arrived, 0);
    atomic_init(&watch->next, atomic_load(&first));
    atomic_store(&first, watch);
    return watch;
}

void signal_watch_remove(struct signal_watch *watch) {
    struct signal_watch *_Atomic *link = &first;
    while (atomic_load(link) != watch) link = &atomic_load(link)->next;
    atomic_store(link, atomic_load(&watch->next));
    // A handler on another thread may have found it before. One that begins from here on does not find it.
    while (atomic_load(&handlers_running)) sched_yield();
    free(watch);
}

uint64_t signal_watch_take(struct signal_watch *watch) {
    return atomic_exchange(&watch->arrived, 0);
}

int signal_handler_install(int signal) {
    if (signal < 1 || signal > 64) return EINVAL;
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    return sigaction(signal, &action, &previous[signal]) < 0 ? errno : 0;
}

void signal_handler_restore(int signal) {
    struct sigaction current;
    if (sigaction(signal, NULL, &current) == 0 && current.sa_handler == handle) sigaction(signal, &previous[signal], NULL);
}
