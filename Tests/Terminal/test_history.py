"""What was sent can be sent again, in this run and in the next."""

import os
import stat
import tempfile

from client import ClientTestCase


class HistoryTests(ClientTestCase):
    def run_once(self, lines):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input()
        for line in lines:
            screen.send(line + "\r")
            self.assertEqual(peer.line(), line)
            screen.wait_for_input()
        screen.send("x\r")
        peer.line()
        peer.close()
        self.assertEqual(screen.wait_for_end(), 0)

    def test_up_in_a_second_run(self):
        self.run_once(["first words", "zweite Wörter"])
        path = self.home_file("state", "chat", "history")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().send("draft\x1b[A")
        screen.wait_for_input("zweite Wörter").send("\x1b[A")
        screen.wait_for_input("first words").send("\x1b[B\x1b[B")
        screen.wait_for_input("draft").send("\x15\x1b[A\r")
        self.assertEqual(peer.line(), "zweite Wörter")

    def test_search(self):
        self.run_once(["the first", "something else", "the last"])
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().send("\x12some")
        screen.wait_for(lambda: "something else" in screen.row_of_cursor(), "what was found").send("\r")
        self.assertEqual(peer.line(), "something else")
        screen.wait_for_input().send("\x12the\x12")
        screen.wait_for(lambda: "the first" in screen.row_of_cursor(), "the one before").send("\x07")
        screen.wait_for_input("")

    def test_without_a_home(self):
        # Whoever runs this, nobody makes a folder in a file.
        home = tempfile.NamedTemporaryFile()
        self.addCleanup(home.close)
        screen, _, peer = self.start_at_played_server(environment={"HOME": home.name, "XDG_STATE_HOME": home.name})
        screen.wait_for(lambda: screen.row_of_cursor().startswith(">"), "the prompt").send("words\r")
        self.assertEqual(peer.line(), "words")
