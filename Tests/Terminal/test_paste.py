"""A paste is shown, and sent on Enter, in order and once."""

from client import ClientTestCase

LINES = [f"pasted line {number} — 世界" for number in range(100)]


class PasteTests(ClientTestCase):
    def test_a_hundred_lines(self):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().paste("\n".join(LINES))
        screen.wait_for(lambda: "pasted line 99" in screen.text(), "the end of the paste")
        self.assertTrue(peer.nothing_comes())
        screen.send("\r")
        self.assertEqual(peer.lines(100), LINES)
        screen.wait_for_input()
        self.assertTrue(peer.nothing_comes())

    def test_a_newline_at_the_end_sends_nothing(self):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().paste("one\ntwo\n")
        screen.wait_for_text("two")
        self.assertTrue(peer.nothing_comes())
        screen.send("\r")
        self.assertEqual(peer.lines(2), ["one", "two"])

    def test_in_the_middle_of_a_line(self):
        screen, _, peer = self.start_at_played_server()
        screen.wait_for_input().send("ad\x1b[D")
        screen.paste("bc")
        screen.wait_for_input("abcd", before_cursor="abc").send("\r")
        self.assertEqual(peer.line(), "abcd")

    def test_keys_in_a_paste_are_no_keys(self):
        screen, _, peer = self.start_at_played_server()
        # Not Ctrl-C, Ctrl-Z and Ctrl-\\: the kernel takes them for signals, and terminals leave them out of a paste.
        screen.wait_for_input().paste("a\x01b\x04\x15\x1b[A\x1bOAx")
        screen.wait_for(lambda: screen.row_of_cursor().endswith("x"), "the paste").send("\r")
        line = peer.line()
        self.assertTrue(line.startswith("a") and line.endswith("x"), line)

    def test_a_hundred_kilobytes(self):
        screen, _, peer = self.start_at_played_server()
        text = "0123456789" * 10_000
        screen.wait_for_input()
        # As a terminal does: what comes back is read meanwhile.
        data = "\x1b[200~" + text + "\x1b[201~\r"
        for start in range(0, len(data), 2_000):
            screen.send(data[start : start + 2_000])
            screen.read_some(0)
        received = []
        peer.socket.settimeout(0.05)

        def has_all():
            try:
                received.append(peer.socket.recv(1 << 20))
            except TimeoutError:
                pass
            return b"".join(received).endswith(b"\n")
        screen.wait_for(has_all, "the paste at the server")
        self.assertEqual(b"".join(received).decode(), text + "\n")
