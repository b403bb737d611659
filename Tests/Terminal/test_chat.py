"""At a chat server: names, times, colours and completion."""

import re

from client import ClientTestCase


class ChatTests(ClientTestCase):
    def row_with(self, screen, text):
        return next(number for number, row in enumerate(screen.rows()) if text in row)

    def test_what_is_said(self):
        daemon = self.chatd()
        ben = self.join(daemon, "ben")
        screen = self.start_at_chat(daemon, "ana")
        screen.send("olá\r")
        self.assertIn("ana: olá", ben.line_containing("olá"))
        ben.send("hi ana\n")
        screen.wait_for_text("ben: hi ana").wait_for_input(prompt="lobby> ")
        said = [row for row in screen.scrollback() if re.fullmatch(r"\d\d:\d\d (ana: olá|ben: hi ana)", row)]
        self.assertEqual(len(said), 2, screen.text())
        self.assertEqual(screen.text().count("olá"), 1)
        ben.send("/quit\n")
        screen.wait_for(lambda: re.search(r"^\* ben .*", screen.text(), re.M), "that ben has left")

    def test_an_error(self):
        screen = self.start_at_chat(self.chatd(), "ana")
        screen.send("/nonsense\r")
        screen.wait_for(lambda: re.search(r"^! ", screen.text(), re.M), "the error").wait_for_input(prompt="lobby> ")

    def test_rooms(self):
        screen = self.start_at_chat(self.chatd(), "ana")
        screen.send("/join kitchen\r")
        screen.wait_for_input(prompt="kitchen> ")

    def names_color(self, *options, **environment):
        daemon = self.chatd()
        ben = self.join(daemon, "ben")
        screen = self.start_at_chat(daemon, "ana", *options, environment=environment)
        ben.send("colourful\n")
        screen.wait_for_text("ben: colourful")
        row = self.row_with(screen, "ben: colourful")
        return screen.colors(row)[screen.rows()[row].index("ben")], screen

    def test_names_have_colours(self):
        self.assertNotEqual(self.names_color()[0], "default")

    def test_no_colours_if_the_environment_says_so(self):
        color, screen = self.names_color(NO_COLOR="1")
        self.assertEqual(color, "default")
        self.assertIsNone(re.search(rb"\x1b\[[0-9;]*[1-9][0-9;]*m", screen.output))

    def test_no_colours_if_asked_for_none(self):
        self.assertEqual(self.names_color("--no-color")[0], "default")

    def test_a_name_is_completed(self):
        daemon = self.chatd()
        ben = self.join(daemon, "benedikta")
        screen = self.start_at_chat(daemon, "ana")
        ben.send("here\n")
        screen.wait_for_text("benedikta: here").wait_for_input(prompt="lobby> ").send("ben\t")
        screen.wait_for(lambda: screen.row_of_cursor().startswith("lobby> benedikta"), "the whole name").send("hi\r")
        self.assertRegex(ben.line_containing("hi"), "ana: benedikta.? hi")

    def test_choices_are_shown(self):
        daemon = self.chatd()
        for name in ("maria", "marta"):
            self.join(daemon, name).send("here\n")
        screen = self.start_at_chat(daemon, "ana")
        screen.wait_for_text("marta").send("m\t")
        screen.wait_for_input("mar", prompt="lobby> ").send("\t")
        screen.wait_for(lambda: any("maria" in row and "marta" in row for row in screen.rows()), "the choices")
        screen.wait_for_input("mar", prompt="lobby> ")

    def test_what_is_pasted_is_text(self):
        daemon = self.chatd()
        ben = self.join(daemon, "ben")
        screen = self.start_at_chat(daemon, "ana")
        screen.send("\x1b[200~/quit\n// a comment\n\nx\n\x1b[201~")
        screen.wait_for(lambda: "comment" in screen.row_of_cursor(), "the paste").send("\r")
        for text in ("/quit", "// a comment", "x"):
            self.assertEqual(ben.line_containing(f"ana: {text}"), f"ana: {text}")
        screen.wait_for_text("ana: // a comment").wait_for_input(prompt="lobby> ")

    def test_a_line_without_a_word_says_nothing(self):
        screen = self.start_at_chat(self.chatd(), "ana")
        screen.send("  \rword\r")
        screen.wait_for_text("ana: word").wait_for_input(prompt="lobby> ")
        self.assertEqual(screen.text().count("ana:"), 1)

    def test_the_past_looks_as_what_is_said_now(self):
        daemon = self.chatd()
        ben = self.join(daemon, "ben")
        ben.send("before\n")
        screen = self.start_at_chat(daemon, "ana")
        screen.wait_for_text("end of history (1)").wait_for_input(prompt="lobby> ")
        ben.send("after\n")
        screen.wait_for_text("ben: after")
        for text in ("before", "after"):
            row = self.row_with(screen, f"ben: {text}")
            self.assertRegex(screen.rows()[row], rf"^\d\d:\d\d ben: {text}")
            self.assertNotEqual(screen.colors(row)[6], "default")

    def test_a_name_that_is_taken_is_asked_for_again(self):
        daemon = self.chatd()
        ana = self.join(daemon, "ana")
        screen = self.start(daemon.address, "--name", "ana").wait_for_text("somebody else has that name")
        ana.send("/nick other\n")
        screen.wait_for_text("* you are now ana").wait_for_input(prompt="lobby> ")

    def test_leaving(self):
        for keys in ("x\r", "\x04", "/quit\r", "/QUIT see you\r"):
            with self.subTest(keys=keys):
                screen = self.start_at_chat(self.chatd(), "ana")
                screen.send(keys)
                self.assertEqual(screen.wait_for_end(), 0)


class PlainTests(ClientTestCase):
    def check_plain(self, *options, **environment):
        screen, _, peer = self.start_at_played_server(*options, environment=environment)
        peer.send("from the server\n")
        screen.wait_for_text("from the server").send("typed\r")
        self.assertEqual(peer.line(), "typed")
        self.assertNotIn(b"\x1b", screen.output)
        screen.send("x\r")
        peer.line()
        peer.close()
        self.assertEqual(screen.wait_for_end(), 0)

    def test_asked_for(self):
        self.check_plain("--plain")

    def test_at_a_terminal_that_cannot_redraw(self):
        self.check_plain(TERM="dumb")
