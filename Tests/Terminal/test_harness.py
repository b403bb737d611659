"""The model of the screen, where it is not pyte's."""

import unittest

import pyte

from client import ClientTestCase
from screen import Screen
from terminal_model import TerminalModel


class ModelTests(unittest.TestCase):
    def draw(self, text, columns=6):
        model = TerminalModel(columns, 4)
        pyte.Stream(model).feed(text)
        return [row.rstrip() for row in model.display], model

    def test_a_wide_character_wraps_where_one_column_is_left(self):
        rows, model = self.draw("abcde世")
        self.assertEqual(rows[:2], ["abcde", "世"])
        self.assertEqual((model.cursor.x, model.cursor.y), (2, 1))

    def test_what_has_no_width_joins_what_is_before_it(self):
        rows, model = self.draw("abcdeo\u0308!")
        self.assertEqual(rows[:2], ["abcdeö", "!"])
        rows, _ = self.draw("a\u200db")
        self.assertEqual(rows[0], "a\u200db")

    def test_the_last_column_is_erased_while_a_wrap_is_pending(self):
        rows, _ = self.draw("abcdef\x1b[K")
        self.assertEqual(rows[0], "abcde")

    def test_half_of_a_wide_character_is_a_space(self):
        rows, _ = self.draw("世世\x1b[2Gx")
        self.assertEqual(rows[0], " x世")

    def test_what_is_scrolled_off_is_kept_in_order(self):
        with Screen("sh", "-c", "seq 1 500") as screen:
            self.assertEqual(screen.wait_for_end(), 0)
            self.assertEqual(screen.scrollback(), [str(number) for number in range(1, 501)])


class RelayTests(ClientTestCase):
    def test_what_is_sent_arrives(self):
        screen, peer = self.start_at_relay()
        screen.send("from the terminal\r")
        self.assertEqual(peer.line(), "from the terminal")
        peer.send("from the other\n")
        screen.wait_for_text("from the other")
        screen.send("x\r")
        self.assertEqual(screen.wait_for_end(), 0)
