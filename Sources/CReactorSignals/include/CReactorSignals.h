// The handler of watched signals, which must be C: a Swift function may allocate or lock at any place, and a signal handler may
// not.

#ifndef CSIGNALS_H
#define CSIGNALS_H

#include <stdint.h>

/// What one watcher is interested in, and what has arrived for it. In both sets, signal s is bit s - 1.
struct signal_watch;

/// Adds a watcher. Each signal of `watched` is noted down for it, and makes `descriptor`, an eventfd that does not block,
/// readable. Returns null if there is no memory. Calls must not overlap with those of `signal_watch_remove`, nor with each other.
struct signal_watch *_Nullable signal_watch_add(uint64_t watched, int descriptor);

/// Removes and frees a watcher. Once this has returned, no handler writes to its descriptor any more, on any thread.
void signal_watch_remove(struct signal_watch *_Nonnull watch);

/// The signals that have arrived since the last call. From any thread.
uint64_t signal_watch_take(struct signal_watch *_Nonnull watch);

/// Has this handler called for a signal. What was done about the signal before is kept for `signal_handler_restore`.
/// Returns 0 or an errno. Calls for one signal must not overlap.
int signal_handler_install(int signal);

/// Restores what was done about a signal before, unless a third party has installed something of its own meanwhile.
void signal_handler_restore(int signal);

#endif
