// The mode of a terminal, and the signal handlers that restore it. They must be C: a Swift function may allocate or lock at any place, and
// a signal handler may not.
//
// One terminal at a time. All functions are of one thread; a signal may come to any.

#ifndef CTERMINAL_H
#define CTERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/// Begins: saves the mode of the terminal `input`, enters one in which keys come as they are pressed, asks the terminal `output` to mark
/// pastes, and has all of it undone however the process ends. In the background only the last: see `terminal_mode_resume`.
/// Returns 0 or an errno: EBUSY if it has begun already.
int terminal_mode_begin(int input, int output);

/// Ends: restores what was, and what signals did before.
void terminal_mode_end(void);

/// Enters the mode anew after the process was stopped, or after it has come to the foreground. Returns whether it is in force: not in
/// the background, where the terminal is another job's.
bool terminal_mode_resume(void);

/// Whether the mode is in force, as far as this process has changed it.
bool terminal_mode_is_in_force(void);

/// How large a terminal is, in cells, or zeros if it does not say.
void terminal_size(int descriptor, int *_Nonnull columns, int *_Nonnull rows);

/// Asks for a line at a terminal, which is not echoed. However it ends, also by a signal, the terminal echoes again. If the process is
/// stopped meanwhile, it asks again when it goes on.
///
/// Returns 0 with the line, which has no newline; an errno otherwise: EPIPE at the end of input, EMSGSIZE for a line that does not fit, and
/// EINTR after a signal that was handled.
int terminal_read_secret(int terminal, const char *_Nonnull prompt, char *_Nonnull line, size_t size);

#endif
