"""The other ends: chatd, with its page, and clients without a browser."""

import os
import socket
import subprocess
import threading

PATIENCE = float(os.environ.get("CHATREACTOR_PATIENCE", 60))
CHATD = os.environ.get("CHATREACTOR_CHATD", os.path.join(os.path.dirname(__file__), "../../.build/debug/chatd"))


class Chatd:
    """A chatd for lines and for browsers, and what else is asked for, which can go and come back at the same ports."""

    def __init__(self, *options, log, protocols=("", "web:")):
        self.options = options
        self.log = log
        #: By what `--listen` has before an address.
        self.ports = dict.fromkeys(protocols, 0)
        self.start()

    @property
    def port(self):
        return self.ports[""]

    @property
    def web_port(self):
        return self.ports["web:"]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.web_port}/"

    def start(self):
        places = [argument for protocol, port in self.ports.items() for argument in ("--listen", f"{protocol}127.0.0.1:{port}")]
        self.process = subprocess.Popen(
            [CHATD, *places, *self.options], stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.PIPE, text=True)
        announced = {}
        while len(announced) < len(self.ports):
            line = self.process.stderr.readline()
            assert line, f"chatd has ended with {self.process.wait()}"
            _, is_announced, address = line.strip().partition("listening on ")
            if is_announced:
                protocol, _, port = address.partition("127.0.0.1:")
                announced[protocol] = int(port)
        self.ports = announced

    def stop(self):
        self.process.terminate()
        try:
            # Reads what it says, so that it does not wait for that.
            self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        assert self.process.returncode == 0, f"chatd has ended with {self.process.returncode}"

    def join(self, name=None):
        """A client of a chat, without a browser."""
        peer = Peer(self.port)
        peer.line_containing("* welcome")
        if name:
            peer.send(f"/nick {name}\n")
            peer.line_containing(f"you are now {name}")
        return peer


class Peer:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile(encoding="utf-8", newline="\n")

    def send(self, text):
        self.socket.sendall(text.encode())

    def line_containing(self, text):
        """Passes over lines until one has the text."""
        for line in self.file:
            if text in line:
                return line.rstrip("\n")
        raise AssertionError(f"the connection has ended without {text!r}")

    def close(self):
        self.file.close()
        self.socket.close()


class Line:
    """A line between a page and a chatd that can be cut, and can lose what is sent in one direction."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.loses = None
        self.is_broken = False
        self.ends = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                if self.is_broken:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.daemon.web_port))
            except OSError:
                return
            self.ends += [near, far]
            for source, target, way in ((near, far, "up"), (far, near, "down")):
                threading.Thread(target=self.copy, args=(source, target, way), daemon=True).start()

    def copy(self, source, target, way):
        try:
            while data := source.recv(65_536):
                if self.loses != way:
                    target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        """Ends all connections. New ones lose nothing."""
        ends, self.ends, self.loses = self.ends, [], None
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def close(self):
        self.listener.close()
        self.cut()
