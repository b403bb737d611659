"""A chat at a terminal, with a home of its own."""

import os
import tempfile
import unittest

from network import CHAT, Chatd, Peer, PlayedServer
from screen import Screen


class ClientTestCase(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(tempfile.TemporaryDirectory())

    def environment(self, **variables):
        # A crash ends the process by its signal; without this, Swift would have a debugger ask at the terminal what to do.
        return {
            "HOME": self.home, "XDG_STATE_HOME": self.home + "/state", "XDG_CONFIG_HOME": self.home + "/config",
            "SWIFT_BACKTRACE": "enable=no", **variables,
        }

    def start(self, address, *options, columns=80, rows=24, environment=None):
        return self.enterContext(
            Screen(
                CHAT, *options, address, columns=columns, rows=rows,
                environment=self.environment(**(environment or {}))))

    def start_at_played_server(self, *options, **size):
        """A chat that is ready, the server, and the server's end of the connection."""
        server = self.enterContext(PlayedServer())
        screen = self.start(server.address, *options, **size)
        peer = server.accept()
        self.addCleanup(peer.close)
        return screen, server, peer

    def start_at_relay(self, *options, **size):
        """A chat that is ready at a chatd, and another client of it."""
        daemon = self.enterContext(Chatd())
        peer = daemon.join()
        self.addCleanup(peer.close)
        return self.start(daemon.address, *options, **size).wait_for_input(), peer

    def chatd(self, *options):
        return self.enterContext(Chatd("--chat", "--name", "tea", *options))

    def start_at_chat(self, daemon, name, *options, **size):
        """A chat that has its name at a chatd with --chat."""
        screen = self.start(daemon.address, "--name", name, *options, **size)
        return screen.wait_for_text(f"you are now {name}").wait_for_input(prompt="lobby> ")

    def join(self, daemon, name):
        """A client of a chatd with --chat, without a terminal."""
        peer = Peer.connect(daemon.port)
        self.addCleanup(peer.close)
        peer.send(f"/nick {name}\n")
        peer.line_containing(f"you are now {name}")
        return peer

    def home_file(self, *path):
        return os.path.join(self.home, *path)
