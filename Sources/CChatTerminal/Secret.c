#include "CChatTerminal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

// What would end or stop the process, and leave the terminal without echo.
static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};
enum { signal_count = sizeof signals / sizeof *signals };
static volatile sig_atomic_t has_come[NSIG];

static void note(int number) {
    has_come[number] = 1;
}

static void say(int terminal, const char *text) {
    ssize_t ignored = write(terminal, text, strlen(text));
    (void)ignored;
}

/// Reads up to the newline, which is not kept. What does not fit makes it fail, when all of the line is read.
static int read_line(int terminal, char *line, size_t size) {
    size_t count = 0;
    for (;;) {
        char byte;
        ssize_t result = read(terminal, &byte, 1);
        if (result < 0) return errno;
        if (result == 0 && count == 0) return EPIPE;
        if (result == 0 || byte == '\n' || byte == '\r') break;
        if (count + 1 < size) line[count] = byte;
        count++;
    }
    if (count >= size) return EMSGSIZE;
    line[count] = 0;
    return 0;
}

int terminal_read_secret(int terminal, const char *prompt, char *line, size_t size) {
    for (;;) {
        struct termios saved, silent;
        if (tcgetattr(terminal, &saved) < 0) return errno;
        memset((void *)has_come, 0, sizeof has_come);
        // Without SA_RESTART: the signal has to end the reading.
        struct sigaction action = {.sa_handler = note}, previous[signal_count];
        for (int index = 0; index < signal_count; index++) sigaction(signals[index], &action, &previous[index]);
        silent = saved;
        silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
        silent.c_lflag |= ICANON | ISIG;
        // What was typed before the prompt was not meant for it.
        int error = tcsetattr(terminal, TCSAFLUSH, &silent) < 0 ? errno : 0;
        if (error == 0) {
            say(terminal, prompt);
            error = read_line(terminal, line, size);
            say(terminal, "\n");
        }
        // In the background this would stop the process.
        while (tcsetattr(terminal, TCSAFLUSH, &saved) < 0 && errno == EINTR && !has_come[SIGTTOU]) {}
        for (int index = 0; index < signal_count; index++) sigaction(signals[index], &previous[index], NULL);
        int has_stopped = 0;
        for (int index = 0; index < signal_count; index++) {
            int number = signals[index];
            if (!has_come[number]) continue;
            // It does now what it would have done.
            kill(getpid(), number);
            if (number == SIGTSTP || number == SIGTTIN || number == SIGTTOU) has_stopped = 1;
        }
        if (has_stopped) continue;
        return error;
    }
}
