"""Wide characters at the edge, narrow terminals, and a size that changes."""

import signal

from client import ClientTestCase


class WidthTests(ClientTestCase):
    def test_wide_characters_at_the_edge(self):
        for columns in range(17, 22):
            with self.subTest(columns=columns):
                screen, _, peer = self.start_at_played_server(columns=columns)
                text = "世界你好一二三四"
                screen.wait_for_input()
                for number, character in enumerate(text):
                    screen.send(character)
                    screen.wait_for(lambda: character in screen.row_of_cursor(), f"{character} on the row")
                    peer.send(f"n{number}\n")
                    screen.wait_for(
                        lambda: f"n{number}" in screen.text() and character in screen.row_of_cursor(), f"n{number}")
                # What was painted before has left nothing behind.
                self.assertEqual([row for row in screen.scrollback() if row.startswith("n")], [f"n{number}" for number in range(8)])
                self.assertLessEqual(len(screen.scrollback()), 8 + 2)
                screen.send("\r")
                self.assertEqual(peer.line(), text)

    def test_wide_characters_that_arrive(self):
        screen, _, peer = self.start_at_played_server(columns=20)
        screen.wait_for_input().send("typed")
        peer.send("a" + "世" * 15 + "\nend\n")
        screen.wait_for_text("end").wait_for_input("typed")
        self.assertEqual("".join(screen.scrollback()[:2]), "a" + "世" * 15)

    def test_very_narrow_terminals(self):
        for columns in (1, 2, 3, 5):
            with self.subTest(columns=columns):
                screen, _, peer = self.start_at_played_server(columns=columns)
                screen.wait_for(lambda: b"\x1b[?2004h" in screen.output, "the mode")
                screen.send("ab世c\x1b[D\x1b[D\x7f")
                peer.send("news\n")
                screen.send("\r")
                self.assertEqual(peer.line(), "a世c")
                screen.send("x\r")
                self.assertEqual(screen.wait_for_end(), 0)

    def test_one_row(self):
        screen, _, peer = self.start_at_played_server(rows=1)
        screen.wait_for_input().send("typed")
        peer.send("news\n" * 3)
        screen.wait_for(lambda: screen.scrollback().count("news") == 3, "the news").wait_for_input("typed")

    def test_a_size_that_nobody_knows(self):
        screen, _, peer = self.start_at_played_server(columns=80)
        screen.child.setwinsize(0, 0)
        screen.wait_for_input().send("typed")
        screen.wait_for_input("typed").send("\r")
        self.assertEqual(peer.line(), "typed")


class ResizingTests(ClientTestCase):
    def test_in_the_middle_of_a_line(self):
        screen, _, peer = self.start_at_played_server(columns=80)
        text = "some words to type"
        screen.wait_for_input().send(text + "\x1b[D\x1b[D")
        screen.wait_for_input(text, before_cursor=text[:-2])
        for columns in (60, 30, 100, 24, 80):
            screen.resize(columns, 24)
            peer.send(f"at {columns}\n")
            screen.wait_for_text(f"at {columns}").wait_for_input(text, before_cursor=text[:-2])
            rows = screen.scrollback()
            self.assertEqual([row for row in rows if row.startswith("> ")], ["> " + text])
        screen.send("\r")
        self.assertEqual(peer.line(), text)

    def test_many_sizes_in_a_row(self):
        screen, _, peer = self.start_at_played_server(columns=80)
        screen.wait_for_input().send("typed")
        screen.wait_for_input("typed")
        for columns in list(range(79, 10, -3)) + list(range(10, 80, 7)):
            screen.resize(columns, 24)
        peer.send("end\n")
        screen.wait_for_text("end").wait_for_input("typed").send("\r")
        self.assertEqual(peer.line(), "typed")
        screen.signal(signal.SIGWINCH)
        screen.wait_for_input()
