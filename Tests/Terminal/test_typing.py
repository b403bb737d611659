"""What is being typed stays whole, whatever arrives."""

from client import ClientTestCase


class TypingTests(ClientTestCase):
    def check_typing(self, columns):
        screen, _, peer = self.start_at_played_server(columns=columns)
        screen.wait_for_input()
        typed, word = "", "naïve 世界 ok"
        for number in range(0, 1_000, 10):
            for line in range(number, number + 10):
                peer.send(f"line {line:04}\n")
            if number % 80 == 0:
                character = word[len(typed) % len(word)] if len(typed) < len(word) else ""
                screen.send(character)
                typed += character
            screen.wait_for(
                lambda: f"line {number + 9:04}" in screen.text() and screen.input_is(typed),
                f"line {number + 9} above {typed!r}")
        self.assertEqual(typed, word)
        expected = [f"line {number:04}" for number in range(1_000)]
        self.assertEqual(screen.scrollback(), expected + ["> " + word])
        screen.send("\r")
        self.assertEqual(peer.line(), word)
        screen.wait_for_input()
        self.assertEqual(screen.scrollback(), expected + ["> " + word, ">"])

    def test_at_20_columns(self):
        self.check_typing(20)

    def test_at_40_columns(self):
        self.check_typing(40)

    def test_at_120_columns(self):
        self.check_typing(120)

    def test_the_cursor_stays_within_the_line(self):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().send("hello world\x1b[D\x1b[D\x1b[D")
        screen.wait_for_input("hello world", before_cursor="hello wo")
        peer.send("news\n" * 50)
        screen.wait_for(lambda: screen.scrollback().count("news") == 50, "the news")
        screen.wait_for_input("hello world", before_cursor="hello wo").send("!")
        screen.wait_for_input("hello wo!rld", before_cursor="hello wo!").send("\r")
        self.assertEqual(peer.line(), "hello wo!rld")

    def test_lines_that_are_longer_than_the_terminal_is_wide(self):
        screen, _, peer = self.start_at_played_server(columns=20)
        screen.wait_for_input().send("typed")
        screen.wait_for_input("typed")
        peer.send("0123456789" * 10 + "\nshort\n")
        screen.wait_for_text("short").wait_for_input("typed")
        self.assertEqual("".join(screen.scrollback()[:5]), "0123456789" * 10)

    def test_a_line_that_fits_exactly(self):
        screen, _, peer = self.start_at_played_server(columns=20)
        screen.wait_for_input().send("typed")
        for number in range(3):
            peer.send(f"{number}" * 20 + "\n")
        peer.send("end\n")
        screen.wait_for_text("end").wait_for_input("typed")
        self.assertEqual(screen.scrollback(), ["0" * 20, "1" * 20, "2" * 20, "end", "> typed"])

    def test_the_alternate_screen_is_not_used(self):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().send("x\r")
        self.assertEqual(screen.wait_for_end(), 0)
        self.assertNotIn(b"\x1b[?1049", screen.output)
        self.assertNotIn(b"\x1b[2J", screen.output)


    def test_what_is_typed_at_once_is_sent(self):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().send("at once\r")
        self.assertEqual(peer.line(), "at once")
        screen.wait_for_text("at once").wait_for_input()
        self.assertEqual(screen.scrollback(), ["> at once", ">"])


class EditingTests(ClientTestCase):
    """Each key is tested beside the editor; here, that keys reach it as a terminal sends them."""

    def check_keys(self, keys, text, before_cursor=None):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().send(keys)
        screen.wait_for_input(text, before_cursor=before_cursor).send("\r")
        self.assertEqual(peer.line(), text)

    def test_arrows_in_both_modes(self):
        self.check_keys("ac\x1b[Db\x1bOC!", "abc!")

    def test_home_and_end(self):
        self.check_keys("bc\x1b[Ha\x1b[Fd\x1b[1~>\x1b[4~<", ">abcd<")

    def test_deleting(self):
        self.check_keys("abcd\x7f\x1b[D\x1b[3~", "ab")

    def test_by_word(self):
        self.check_keys("one two three\x1b[1;5D\x1b[1;5D_", "one _two three", before_cursor="one _")

    def test_killing_and_yanking(self):
        self.check_keys("one two\x17\x01\x19\x05!", "twoone !")

    def test_a_character_of_several_code_points_is_one(self):
        self.check_keys("a🇧🇷e\u0301\x7f\x7fb", "ab")

    def test_an_accent_that_comes_late_joins_its_letter(self):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().send("e")
        screen.wait_for_input("e").send("\u0301")
        screen.wait_for_input("é").send("\x7f")
        screen.wait_for_input("")

    def test_a_long_line_is_sent_whole(self):
        for columns in (10, 20, 80):
            screen, _, peer = self.start_at_played_server(columns=columns)
            text = " ".join(f"word{number}" for number in range(60))
            screen.wait_for_input().send(text)
            screen.wait_for(lambda: screen.row_of_cursor().endswith("d59"), "the end of the line")
            peer.send("news\n")
            screen.wait_for_text("news").send("\r")
            self.assertEqual(peer.line(), text)
            screen.wait_for_input()
