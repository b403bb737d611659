#define _GNU_SOURCE
#include "CChatTerminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static int input_descriptor = -1;
static int output_descriptor = -1;
/// A child that this process forks must not restore a terminal that is still its parent's.
static pid_t owner;
static struct termios saved;
/// Between `terminal_mode_begin` and `terminal_mode_end`.
static _Atomic bool has_begun;
/// Whether there is something to restore.
static _Atomic bool in_force;
/// Whether the terminal has its own mode, as far as this process knows: not if it was stopped without a handler, by SIGSTOP.
static _Atomic bool is_restored = true;

// The signals after which nobody else would restore the terminal. SIGKILL cannot be caught; what is not here does nothing by default, or
// stops the process.
static const int ending_signals[] = {
    SIGHUP,  SIGINT,  SIGQUIT, SIGILL, SIGTRAP,   SIGABRT, SIGBUS, SIGFPE, SIGUSR1, SIGSEGV, SIGUSR2,
    SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO, SIGPWR,  SIGSYS,
};
enum { ending_count = sizeof ending_signals / sizeof *ending_signals };
static struct sigaction previous[ending_count];
static bool is_handled[ending_count];
static struct sigaction previous_stop;
static bool is_stop_handled;

/// What the handlers run on: the stack of a thread may be what has overflowed.
static _Alignas(64) char alternate_stack[65536];

// MARK: - The mode

static bool is_in_background(void) {
    pid_t foreground = tcgetpgrp(input_descriptor);
    // Without job control there is no background.
    return foreground > 0 && foreground != getpgrp();
}

/// Writes to the terminal. One that takes nothing, since its other side has stopped reading, must not keep a process from ending.
static void say(const char *text) {
    struct pollfd entry = {.fd = output_descriptor, .events = POLLOUT};
    if (poll(&entry, 1, 200) <= 0 || !(entry.revents & POLLOUT)) return;
    ssize_t ignored = write(output_descriptor, text, strlen(text));
    (void)ignored;
}

/// Restores the mode, if this process has changed it. Calls only what a signal handler may call.
static void restore(void) {
    if (getpid() != owner || !atomic_exchange(&in_force, false)) return;
    // A shell has restored it when it took the terminal, which is another job's now.
    if (is_in_background()) return;
    // TCSADRAIN would wait for a terminal whose output is stopped.
    tcsetattr(input_descriptor, TCSANOW, &saved);
    atomic_store(&is_restored, true);
    // No marks around pastes; plain letters; the cursor; the row of the input, erased with what is below.
    say("\x1b[?2004l\x1b[0m\x1b[?25h\r\x1b[J");
}

static int enter(void) {
    // Somebody may have changed it while this process was stopped.
    if (atomic_load(&is_restored) && tcgetattr(input_descriptor, &saved) < 0) return errno;
    struct termios mode = saved;
    // Ctrl-C, Ctrl-Z and Ctrl-\ stay the kernel's, for the whole job: ISIG.
    mode.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    mode.c_lflag |= ISIG;
    mode.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | IGNCR | INLCR | INPCK | ISTRIP | IXON | PARMRK);
    mode.c_iflag |= IUTF8;
    mode.c_oflag &= ~(tcflag_t)(OCRNL | ONLRET | ONOCR | OLCUC);
    mode.c_oflag |= OPOST | ONLCR;
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    // Before it is so: what is half done must be undone, too.
    atomic_store(&in_force, true);
    atomic_store(&is_restored, false);
    while (tcsetattr(input_descriptor, TCSANOW, &mode) < 0) {
        if (errno == EINTR) continue;
        int error = errno;
        atomic_store(&in_force, false);
        atomic_store(&is_restored, true);
        return error;
    }
    say("\x1b[?2004h");
    return 0;
}

// MARK: - Signals

static void end_by_signal(int number, siginfo_t *information, void *context) {
    (void)context;
    int error = errno;
    restore();
    for (int index = 0; index < ending_count; index += 1) {
        // The default, or what shows a crash.
        if (ending_signals[index] != number) continue;
        // Ctrl-\\ is how a user ends a program, also where Swift would rather show where it was.
        struct sigaction standard = {.sa_handler = SIG_DFL};
        sigaction(number, number == SIGQUIT ? &standard : &previous[index], NULL);
    }
    // It is delivered when this handler returns, since all signals are blocked here: with what was known of it, such as the address of a fault.
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), number, information) < 0) raise(number);
    errno = error;
}

static void stop_by_signal(int number) {
    int error = errno;
    restore();
    struct sigaction ours, stop = {.sa_handler = SIG_DFL};
    sigaction(number, &stop, &ours);
    sigset_t only, blocked;
    sigemptyset(&only);
    sigaddset(&only, number);
    raise(number);
    // The process stops here, and goes on here.
    sigprocmask(SIG_UNBLOCK, &only, &blocked);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    sigaction(number, &ours, NULL);
    // The kernel does not stop a process whose shell is gone. Then nothing else would say that the mode must be entered again.
    kill(getpid(), SIGCONT);
    errno = error;
}

/// Whether a handler of this signal only shows where the process was: Swift's backtraces, a sanitizer.
static bool shows_crash(int number) {
    switch (number) {
    case SIGABRT: case SIGBUS: case SIGFPE: case SIGILL: case SIGQUIT: case SIGSEGV: case SIGSYS: case SIGTRAP: return true;
    default: return false;
    }
}

static void install_handlers(void) {
    stack_t stack;
    if (sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_DISABLE)) {
        stack = (stack_t){.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
        sigaltstack(&stack, NULL);
    }
    struct sigaction action = {.sa_sigaction = end_by_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigfillset(&action.sa_mask);
    for (int index = 0; index < ending_count; index += 1) {
        int number = ending_signals[index];
        is_handled[index] = false;
        if (sigaction(number, NULL, &previous[index]) < 0) continue;
        // What is ignored does not end the process. What somebody handles is theirs, unless it shows a crash, which it does
        // after this.
        bool is_default = !(previous[index].sa_flags & SA_SIGINFO) && previous[index].sa_handler == SIG_DFL;
        bool is_ignored = !(previous[index].sa_flags & SA_SIGINFO) && previous[index].sa_handler == SIG_IGN;
        if (!is_default && (is_ignored || !shows_crash(number))) continue;
        is_handled[index] = sigaction(number, &action, NULL) == 0;
    }
    struct sigaction stop = {.sa_handler = stop_by_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
    sigfillset(&stop.sa_mask);
    is_stop_handled = sigaction(SIGTSTP, NULL, &previous_stop) == 0 && !(previous_stop.sa_flags & SA_SIGINFO)
        && previous_stop.sa_handler == SIG_DFL && sigaction(SIGTSTP, &stop, NULL) == 0;
}

static void remove_handlers(void) {
    struct sigaction current;
    for (int index = 0; index < ending_count; index += 1) {
        int number = ending_signals[index];
        // A third party may have installed something of its own meanwhile.
        if (is_handled[index] && sigaction(number, NULL, &current) == 0 && (current.sa_flags & SA_SIGINFO)
            && current.sa_sigaction == end_by_signal)
            sigaction(number, &previous[index], NULL);
    }
    if (is_stop_handled && sigaction(SIGTSTP, NULL, &current) == 0 && current.sa_handler == stop_by_signal)
        sigaction(SIGTSTP, &previous_stop, NULL);
}

/// Holds the signals back while several steps belong together. Not SIGTTOU: a process that has lost the terminal since it looked must be
/// stopped by it, and must not change the mode under the job that has the terminal now.
static void hold_signals(sigset_t *before) {
    sigset_t held;
    sigfillset(&held);
    sigdelset(&held, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &held, before);
}

// MARK: - What the header declares

int terminal_mode_begin(int input, int output) {
    static bool is_registered;
    if (atomic_load(&has_begun)) return EBUSY;
    struct termios mode;
    if (tcgetattr(input, &mode) < 0) return errno;
    if (!is_registered && atexit(terminal_mode_end) != 0) return ENOMEM;
    is_registered = true;
    sigset_t before;
    hold_signals(&before);
    input_descriptor = input;
    output_descriptor = output;
    owner = getpid();
    install_handlers();
    int error = is_in_background() ? 0 : enter();
    if (error) remove_handlers();
    atomic_store(&has_begun, error == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

void terminal_mode_end(void) {
    if (!atomic_load(&has_begun) || getpid() != owner) return;
    sigset_t before;
    hold_signals(&before);
    restore();
    remove_handlers();
    atomic_store(&has_begun, false);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool terminal_mode_resume(void) {
    if (!atomic_load(&has_begun)) return false;
    sigset_t before;
    hold_signals(&before);
    bool resumed = !is_in_background() && enter() == 0;
    if (!resumed) atomic_store(&in_force, false);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return resumed;
}

bool terminal_mode_is_in_force(void) {
    return atomic_load(&in_force);
}

void terminal_size(int descriptor, int *columns, int *rows) {
    struct winsize size;
    bool is_known = ioctl(descriptor, TIOCGWINSZ, &size) == 0;
    *columns = is_known ? size.ws_col : 0;
    *rows = is_known ? size.ws_row : 0;
}
