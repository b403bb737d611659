"""The terminal is as it was, however the client ends or is stopped."""

import os
import pty
import re
import signal
import termios

from client import ClientTestCase
from network import CHAT, PlayedServer
from screen import Screen


def usual_mode():
    """The mode of a terminal that nobody has changed."""
    ours, theirs = pty.openpty()
    try:
        return termios.tcgetattr(ours)
    finally:
        os.close(theirs)
        os.close(ours)


class EndingTests(ClientTestCase):
    def check_end(self, act, status, text="typed"):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().send(text)
        screen.wait_for_input(text)
        self.assertNotEqual(screen.mode(), usual_mode())
        act(screen)
        self.assertEqual(screen.wait_for_end(), status)
        self.assertEqual(screen.mode(), usual_mode())
        self.assertGreater(screen.output.rfind(b"\x1b[?2004l"), screen.output.rfind(b"\x1b[?2004h"))
        self.assertFalse(screen.model.cursor.hidden)
        # The shell's prompt comes at the beginning of a row.
        self.assertEqual(screen.cursor()[0], 0)

    def test_the_quit_word(self):
        self.check_end(lambda screen: screen.send("x\r"), 0, text="")

    def test_control_d_on_an_empty_line(self):
        self.check_end(lambda screen: screen.send("\x04"), 0, text="")

    def test_control_d_says_nothing_to_a_relay(self):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().send("said\r")
        self.assertEqual(peer.line(), "said")
        screen.send("\x04")
        self.assertEqual(peer.rest(), "")
        peer.close()
        self.assertEqual(screen.wait_for_end(), 0)

    def test_control_d_within_a_line_does_not_leave(self):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().send("abc\x01\x04")
        screen.wait_for_input("bc", before_cursor="")

    def test_control_c(self):
        self.check_end(lambda screen: screen.send("\x03"), -signal.SIGINT)

    def test_control_backslash(self):
        self.check_end(lambda screen: screen.send("\x1c"), -signal.SIGQUIT)

    def test_each_signal(self):
        for name in "HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 ALRM TERM XCPU VTALRM PROF IO PWR SYS".split():
            number = getattr(signal, "SIG" + name)
            with self.subTest(signal=name):
                self.check_end(lambda screen: screen.signal(number), -number)


class ShellTests(ClientTestCase):
    """Under a shell at a terminal."""

    def start_shell(self, *command):
        screen = self.enterContext(
            Screen(*command, environment=self.environment(PS1="$ ", ENV="", PS2="", BASH_SILENCE_DEPRECATION_WARNING="1")))
        screen.send("PS1='$ '; echo be''gin\r")
        return screen.wait_for_text("begin")

    def start_chat_in(self, screen, how=""):
        """Has the shell start a client of a played server. Returns the server's end of the connection."""
        server = self.enterContext(PlayedServer())
        screen.send(f"'{CHAT}' {server.address}{how}\r")
        peer = server.accept()
        self.addCleanup(peer.close)
        return peer

    def mode(self, screen, mark):
        screen.send(f"echo {mark}''=$(stty -g)=\r")
        pattern = re.compile(mark + "=([0-9a-f:\n]+)=")
        screen.wait_for(lambda: pattern.search(screen.text()), "the terminal's mode")
        return pattern.search(screen.text())[1].replace("\n", "")

    def end(self, screen, keys, status):
        """Ends the client, and has the shell say how it has ended."""
        screen.send(keys)
        # What is typed sooner comes in the client's mode, in which Enter ends no line of the shell's.
        screen.wait_for(lambda: screen.row_of_cursor() == "$", "the shell's prompt")
        screen.send("echo st''atus $?\r")
        screen.wait_for_text(f"status {status}")

    def check_stopping(self, *shell):
        screen = self.start_shell(*shell)
        before = self.mode(screen, "before")
        peer = self.start_chat_in(screen)
        screen.wait_for_input().send("half")
        screen.wait_for_input("half").send("\x1a")
        screen.wait_for(lambda: re.search("Stopped|suspended", screen.text()), "the shell")
        self.assertEqual(self.mode(screen, "stopped"), before)
        peer.send("meanwhile\n")
        screen.send("fg\r")
        screen.wait_for_text("meanwhile").wait_for_input("half").send(" a line\r")
        self.assertEqual(peer.line(), "half a line")
        screen.wait_for_input()
        self.end(screen, "\x03", 130)
        self.assertEqual(self.mode(screen, "after"), before)

    def test_stopping_under_bash(self):
        self.check_stopping("bash", "--norc", "--noprofile", "-i")

    def test_stopping_under_sh(self):
        self.check_stopping("sh", "-i")

    def test_leaving_under_a_shell(self):
        screen = self.start_shell("sh", "-i")
        before = self.mode(screen, "before")
        self.start_chat_in(screen)
        screen.wait_for_input()
        self.end(screen, "x\r", 0)
        self.assertEqual(self.mode(screen, "after"), before)

    def test_in_the_background_it_leaves_the_terminal_alone(self):
        screen = self.start_shell("sh", "-i")
        before = self.mode(screen, "before")
        peer = self.start_chat_in(screen, " &")
        self.assertEqual(self.mode(screen, "background"), before)
        screen.send("fg\r")
        peer.send("hello\n")
        screen.wait_for_text("hello").wait_for(lambda: screen.row_of_cursor().startswith(">"), "the prompt")
        self.end(screen, "\x03", 130)
        self.assertEqual(self.mode(screen, "after"), before)
