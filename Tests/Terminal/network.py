"""The other ends: chatd, a server that a test plays, and clients without a terminal."""

import os
import socket
import subprocess
import tempfile

from screen import PATIENCE

CHAT = os.environ.get("CHATREACTOR_CHAT", ".build/debug/chat")
CHATD = os.environ.get("CHATREACTOR_CHATD", ".build/debug/chatd")


class Chatd:
    """A chatd at a free port, for as long as a `with`."""

    def __init__(self, *options):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [CHATD, "--listen", "127.0.0.1:0", *options],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.PIPE, text=True)
        announcement = "chatd: listening on "
        line = self.process.stderr.readline()
        if not line.startswith(announcement):
            raise AssertionError(f"chatd says {line!r}")
        self.address = line[len(announcement) :].strip()
        self.port = int(self.address.rpartition(":")[2])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stderr.close()
        self.log.close()
        if status != 0:
            raise AssertionError(f"chatd has ended with {status}")

    def join(self):
        """A client that gets whatever is relayed from now on."""
        client, usher = Peer.connect(self.port), Peer.connect(self.port)
        usher.send("joined\n")
        line = client.line()
        usher.close()
        assert line == "joined", line
        return client


class Peer:
    """One end of a connection, without a terminal."""

    def __init__(self, connection):
        connection.settimeout(PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.unread = b""

    @classmethod
    def connect(cls, port):
        return cls(socket.create_connection(("127.0.0.1", port), PATIENCE))

    def send(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def line(self):
        """The next line, or what is left at the end, or None."""
        while b"\n" not in self.unread:
            data = self.socket.recv(65_536)
            if not data:
                rest, self.unread = self.unread, b""
                return rest.decode() or None
            self.unread += data
        line, _, self.unread = self.unread.partition(b"\n")
        return line.decode()

    def lines(self, count):
        return [self.line() for _ in range(count)]

    def line_containing(self, text):
        """Skips lines until one has the text."""
        while (line := self.line()) is not None:
            if text in line:
                return line
        raise AssertionError(f"the connection has ended without {text!r}")

    def rest(self):
        """All that comes until the end."""
        data, self.unread = self.unread, b""
        while more := self.socket.recv(65_536):
            data += more
        return data.decode()

    def nothing_comes(self, seconds=0.3):
        self.socket.settimeout(seconds)
        try:
            self.unread += self.socket.recv(65_536)
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(PATIENCE)
        return not self.unread

    def close(self):
        self.socket.close()


class PlayedServer:
    """A server that does only what the test does. It can go away and come back at its port."""

    def __init__(self):
        self.listener = None
        self.port = 0
        self.listen()

    def listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen()
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def accept(self):
        return Peer(self.listener.accept()[0])

    def close(self):
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
