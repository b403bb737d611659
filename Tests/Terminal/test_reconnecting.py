"""When the connection is lost: said once, what is typed is kept, nothing is sent twice."""

import re
import socket
import threading

from client import ClientTestCase
from network import Peer, PlayedServer


class RelayReturnTests(ClientTestCase):
    def test_the_server_goes_and_comes_back(self):
        screen, server, peer = self.start_at_played_server()
        screen.wait_for_input().send("before\r")
        self.assertEqual(peer.line(), "before")
        screen.wait_for_input().send("half a li")
        screen.wait_for_input("half a li")
        server.close()
        peer.close()
        screen.wait_for_text("* connection lost")
        # The prompt says so, and what was typed is there and can be gone on with.
        screen.wait_for(lambda: screen.row_of_cursor().endswith("> half a li"), "the line, kept").send("ne")
        screen.wait_for(lambda: screen.row_of_cursor().endswith("> half a line"), "more of the line")
        self.assertNotEqual(screen.row_of_cursor(), "> half a line")
        server.listen()
        peer = server.accept()
        self.addCleanup(peer.close)
        screen.wait_for_text("* connected again").wait_for_input("half a line")
        self.assertEqual(len(re.findall(r"connection lost", "\n".join(screen.scrollback()))), 1)
        screen.send("\r")
        self.assertEqual(peer.line(), "half a line")
        self.assertTrue(peer.nothing_comes())
        screen.wait_for_input()

    def test_enter_while_the_connection_is_gone_loses_nothing(self):
        screen, server, peer = self.start_at_played_server()
        peer.send("hello\n")
        screen.wait_for_text("hello").wait_for_input()
        server.close()
        peer.close()
        screen.wait_for_text("* connection lost").send("kept\r")
        screen.wait_for(lambda: "kept" in screen.row_of_cursor(), "the line, kept")
        server.listen()
        peer = server.accept()
        self.addCleanup(peer.close)
        screen.wait_for_text("* connected again").wait_for(lambda: "kept" in screen.text(), "the line").send("\r")
        self.assertEqual(peer.line(), "kept")
        self.assertTrue(peer.nothing_comes())

    def test_one_can_leave_while_the_connection_is_gone(self):
        for keys in ("x\r", "\x04"):
            with self.subTest(keys=keys):
                screen, server, peer = self.start_at_played_server()
                peer.send("hello\n")
                screen.wait_for_text("hello").wait_for_input()
                server.close()
                peer.close()
                screen.wait_for_text("* connection lost").send(keys)
                self.assertEqual(screen.wait_for_end(), 0)

    def test_a_server_that_was_never_there(self):
        server = PlayedServer()
        server.close()
        screen = self.start(server.address)
        self.assertNotEqual(screen.wait_for_end(), 0)
        self.assertIn("cannot connect", screen.text())
        self.assertNotIn(b"\x1b[?2004h", screen.output)


class Proxy:
    """Passes the bytes of one connection on to a chatd, until it is cut."""

    def __init__(self, server, daemon):
        self.client, self.far = server.accept(), Peer.connect(daemon.port)
        self.threads = [threading.Thread(target=self.copy, args=ends) for ends in self.directions()]
        for thread in self.threads:
            thread.start()

    def directions(self):
        return (self.client.socket, self.far.socket), (self.far.socket, self.client.socket)

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(65_536):
                target.sendall(data)
        except OSError:
            pass

    def cut(self):
        for end in (self.client, self.far):
            try:
                end.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join()
        self.client.close()
        self.far.close()


class ChatReturnTests(ClientTestCase):
    def test_name_and_room_are_taken_back_and_what_was_missed_is_shown(self):
        daemon = self.chatd()
        ben = self.join(daemon, "ben")
        server = self.enterContext(PlayedServer())
        screen = self.start(server.address, "--name", "ana")
        proxy = Proxy(server, daemon)
        screen.wait_for_text("you are now ana").wait_for_input(prompt="lobby> ").send("/join kitchen\r")
        screen.wait_for_input(prompt="kitchen> ").send("hello\r")
        screen.wait_for_text("ana: hello")
        ben.send("/join kitchen\n")
        ben.line_containing("you are in kitchen")
        # This comes after what the server says of the line before, so that the client knows of it.
        screen.wait_for_text("* ben joined").send("half")
        server.close()
        proxy.cut()
        screen.wait_for_text("* connection lost")
        ben.send("missed one\nmissed two\n/who\n")
        ben.line_containing("kitchen")
        server.listen()
        proxy = Proxy(server, daemon)
        self.addCleanup(proxy.cut)
        screen.wait_for_text("missed two").wait_for_text("* connected again")
        screen.wait_for_input("half", prompt="kitchen> ")
        shown = "\n".join(screen.scrollback())
        for line in ("ana: hello", "ben: missed one", "ben: missed two", "connection lost"):
            self.assertEqual(shown.count(line), 1, f"{line}\n{shown}")
        self.assertLess(shown.index("missed one"), shown.index("missed two"))
        screen.send("\r")
        self.assertIn("ana: half", ben.line_containing("half"))
