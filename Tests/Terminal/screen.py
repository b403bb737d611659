"""A program at a pseudo-terminal, and what somebody sees of it."""

import os
import signal
import termios
import time

import pexpect
import pyte

from terminal_model import TerminalModel

#: How many seconds a test waits for what must happen.
PATIENCE = float(os.environ.get("CHATREACTOR_PATIENCE", "60"))


class TimedOut(AssertionError):
    pass


class Screen:
    """A program that runs at a terminal of its own. It is killed at the end of a `with`, if it still runs."""

    def __init__(self, program, *arguments, columns=80, rows=24, environment=None):
        variables = dict(os.environ)
        for name in ("COLUMNS", "LINES", "NO_COLOR", "COLORTERM"):
            variables.pop(name, None)
        variables.update({"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(environment or {})})
        self.model = TerminalModel(columns, rows)
        self.stream = pyte.ByteStream(self.model)
        #: Everything that the program has written.
        self.output = bytearray()
        self.has_ended = False
        self.child = pexpect.spawn(program, list(arguments), env=variables, dimensions=(rows, columns), timeout=None)
        self.child.delaybeforesend = None
        self.child.delayafterread = None
        self.child.ptyproc.delayafterclose = self.child.ptyproc.delayafterterminate = 0.01

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self.child.wait()
        self.child.close(force=True)

    # What somebody sees

    @property
    def columns(self):
        return self.model.columns

    def rows(self):
        """The rows of the screen, without the spaces at their ends."""
        return [row.rstrip() for row in self.model.display]

    def text(self):
        """All that is written on the screen, without the empty rows at its end."""
        return "\n".join(self.rows()).rstrip("\n")

    def scrollback(self):
        """The rows that were scrolled off the top and those of the screen, without the empty ones at the end."""
        above = []
        for line in self.model.history.top:
            above.append("".join(line[column].data for column in range(self.columns)).rstrip())
        rows = above + self.rows()
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def cursor(self):
        """The column and the row of the cursor, from 0."""
        return min(self.model.cursor.x, self.columns - 1), self.model.cursor.y

    def row_of_cursor(self):
        return self.rows()[self.cursor()[1]]

    def input_is(self, text, prompt="> ", before_cursor=None):
        """Whether the last row of the screen is that of the input, whole, with the cursor where it belongs."""
        column, row = self.cursor()
        rows = self.rows()
        width = display_width(prompt + (text if before_cursor is None else before_cursor))
        return rows[row] == (prompt + text).rstrip() and column == width and not any(rows[row + 1 :])

    def colors(self, row):
        """The foreground colour of each character of a row."""
        line = self.model.buffer[row]
        return [line[column].fg for column in range(self.columns)]

    # What somebody does

    def send(self, text):
        self.child.send(text)

    def paste(self, text):
        """Pastes, as a terminal that has been asked to mark pastes does."""
        self.send("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")

    def resize(self, columns, rows):
        # First the model: what is written for the new size must not meet the old one.
        self.read_some(0)
        self.model.resize(lines=rows, columns=columns)
        self.child.setwinsize(rows, columns)

    def signal(self, number):
        self.child.kill(number)

    def mode(self):
        """The terminal's mode, as `stty -g` has it."""
        return termios.tcgetattr(self.child.child_fd)

    # Waiting

    def read_some(self, seconds):
        """Reads what is there, or what comes within so many seconds. Returns whether anything came."""
        if self.has_ended:
            return False
        try:
            data = self.child.read_nonblocking(65_536, timeout=seconds)
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            self.has_ended = True
            return False
        self.output += data
        self.stream.feed(data)
        return True

    def wait_for(self, predicate, what):
        """Reads on until the screen is as the predicate says."""
        deadline = time.monotonic() + PATIENCE
        while not predicate():
            left = deadline - time.monotonic()
            if left <= 0 or (self.has_ended and not predicate()):
                ended = "the program has ended" if self.has_ended else "timed out"
                raise TimedOut(f"{ended} waiting for {what}; cursor {self.cursor()}, on the screen:\n{self.text()}")
            self.read_some(min(left, 0.5))
        return self

    def wait_for_text(self, text):
        return self.wait_for(lambda: text in self.text(), repr(text))

    def wait_for_input(self, text="", prompt="> ", before_cursor=None):
        return self.wait_for(lambda: self.input_is(text, prompt, before_cursor), f"the input row {prompt + text!r}")

    def stays(self, predicate, what, seconds=0.3):
        """Checks that the screen is as the predicate says for a while. A test that something does not happen cannot do better."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.read_some(left)
            if not predicate():
                raise AssertionError(f"not {what}; on the screen:\n{self.text()}")

    def wait_for_end(self):
        """Waits until the program has ended. Returns its exit status, or the negative number of the signal."""
        deadline = time.monotonic() + PATIENCE
        while not self.has_ended:
            if time.monotonic() > deadline:
                raise TimedOut(f"timed out waiting for the end; on the screen:\n{self.text()}")
            self.read_some(0.5)
        self.child.wait()
        return self.child.exitstatus if self.child.signalstatus is None else -self.child.signalstatus


def display_width(text):
    return sum(max(0, pyte.screens.wcwidth(character)) for character in text)
