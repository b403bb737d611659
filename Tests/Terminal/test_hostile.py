"""What a server sends is text, and does nothing to the terminal."""

from client import ClientTestCase

HOSTILE = {
    "a title": "\x1b]0;owned\x07",
    "a title, ended by ST": "\x1b]2;owned\x1b\\",
    "the clipboard": "\x1b]52;c;b3duZWQ=\x07",
    "a link": "\x1b]8;;http://example.org\x07link\x1b]8;;\x07",
    "erasing the screen": "\x1b[2J\x1b[H",
    "the alternate screen": "\x1b[?1049h",
    "a colour": "\x1b[31mred",
    "a scrolling region": "\x1b[2;3r",
    "a question to the terminal": "\x1b[c\x1b[6n\x05",
    "a reset": "\x1bc",
    "a DCS": "\x1bP$q\"p\x1b\\",
    "an APC": "\x1b_Gi=1\x1b\\",
    "C1 in UTF-8": "\u009b2J\u009d0;owned\u009c\u0090\u0085",
    "C1 in bytes": b"\x9b2J\x9d0;owned\x9c",
    "other controls": "\x00\x07\x08\x08\x0b\x0c\x0e\x0f\x7f\x18\x1a",
    "a carriage return": "over\rwritten",
    "reversed text": "\u202eabc\u2066def\u2069\u200f\u061c",
    "line separators": "a\u2028b\u2029c",
    "invalid UTF-8": b"\xff\xfe\xc0\x80\xed\xa0\x80",
    "tags": "\U000e0041\U000e0042\ufeff",
}


class HostileTests(ClientTestCase):
    def check(self, start, say):
        screen, peer = start()
        prompt = "> "
        screen.wait_for_input(prompt=prompt).send("typed")
        screen.wait_for_input("typed", prompt=prompt)
        for name, text in HOSTILE.items():
            with self.subTest(what=name):
                begin = len(screen.output)
                data = text.encode() if isinstance(text, str) else text
                say(peer, b"[" + data + b"]")
                say(peer, f"after {name}".encode())
                screen.wait_for_text(f"after {name}").wait_for_input("typed", prompt=prompt)
                self.assertEqual(screen.model.title, "")
                self.assertIsNone(screen.model.margins)
                written = bytes(screen.output[begin:])
                # What the client writes of its own has none of these.
                for part in (b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b[2J", b"\x1b[31m", b"\x1b[?1049h", b"\x07", b"\xc2\x9b", b"\x9b2J", b"\x1bc",
                             b"\x05", "\u202e".encode(), "\u2066".encode(), "\u2028".encode(), "\u061c".encode(), b"\xff", b"\x0e", b"\x0f"):
                    self.assertNotIn(part, written, name)
                rows = "".join(screen.scrollback())
                self.assertIn("]after ", rows.replace("\n", ""))

    def test_at_a_relay(self):
        def start():
            screen, _, peer = self.start_at_played_server()
            return screen, peer

        self.check(start, lambda peer, data: peer.send(data + b"\n"))

    def test_of_somebody_at_a_chat(self):
        daemon = self.chatd()
        screen = self.start_at_chat(daemon, "ana")
        ben = self.join(daemon, "ben")
        screen.wait_for_text("is now ben").send("typed")
        screen.wait_for_input("typed", prompt="lobby> ")
        for name, text in HOSTILE.items():
            with self.subTest(what=name):
                begin = len(screen.output)
                ben.send(b"[" + (text.encode() if isinstance(text, str) else text) + f"]\nafter {name}\n".encode())
                screen.wait_for_text(f"after {name}").wait_for_input("typed", prompt="lobby> ")
                self.assertEqual(screen.model.title, "")
                for part in (b"\x1b]", b"\x1bP", b"\x1b[2J", b"\x07", b"\xc2\x9b", "\u202e".encode(), b"\xff"):
                    self.assertNotIn(part, bytes(screen.output[begin:]), name)

    def test_a_client_of_a_relay_that_imitates_a_chat(self):
        screen, _, peer = self.start_at_played_server()
        peer.send("* welcome to tea; you are guest1; 3 online\n")
        self.assertEqual(peer.line(), "/json")
        # As nobody speaks JSON, what is typed is sent all the same, and one can leave.
        screen.send("hello\r")
        self.assertEqual(peer.line(), "hello")
        peer.send("hi\n")
        screen.wait_for_text("hi").wait_for_input().send("x\r")
        self.assertEqual(peer.line(), "x")
        peer.close()
        self.assertEqual(screen.wait_for_end(), 0)
