"""Those without a client of IRC, and one who reads IRC as it is."""

import base64
import os
import re
import socket
import subprocess

from network import PATIENCE, Peer
from screen import Screen

CHAT = os.environ.get("CHATREACTOR_CHAT", os.path.join(os.path.dirname(__file__), "../../.build/debug/chat"))


class Netcat(Peer):
    def __init__(self, port, name):
        self.socket, far = socket.socketpair()
        self.process = subprocess.Popen(["nc", "127.0.0.1", str(port)], stdin=far, stdout=far)
        far.close()
        self.socket.settimeout(PATIENCE)
        self.file = self.socket.makefile(encoding="utf-8", newline="\n")
        self.line_containing("* welcome")
        self.send(f"/nick {name}\n")
        self.line_containing(f"you are now {name}")

    def close(self):
        super().close()
        self.process.terminate()
        self.process.wait()


class AtTerminal(Screen):
    """Somebody at the `chat` of this package."""

    def __init__(self, port, name, home):
        super().__init__(
            CHAT, "--name", name, f"127.0.0.1:{port}", columns=100, environment={
                "HOME": str(home), "XDG_STATE_HOME": f"{home}/state", "XDG_CONFIG_HOME": f"{home}/config",
                "SWIFT_BACKTRACE": "enable=no"})
        self.wait_for_text(f"you are now {name}").wait_for_input(prompt="lobby> ")

    def say(self, text):
        self.send(text + "\r")
        return self

    def has(self, line):
        return any(row.endswith(line) for row in self.rows())

    def wait_for_line(self, line):
        return self.wait_for(lambda: self.has(line), f"the line {line!r}")


class IRCPeer(Peer):
    """Somebody in the lobby who sees what a client of IRC is sent."""

    def __init__(self, port, name, password=None, capabilities=()):
        super().__init__(port)
        wanted = [*capabilities, *(["sasl"] if password else [])]
        self.send("CAP LS 302\r\n")
        if wanted:
            self.send(f"CAP REQ :{' '.join(wanted)}\r\n")
            self.line_containing(" ACK ")
        if password:
            self.send("AUTHENTICATE PLAIN\r\n")
            self.line_containing("AUTHENTICATE +")
            proof = base64.b64encode(f"\0{name}\0{password}".encode()).decode()
            self.send(f"AUTHENTICATE {proof}\r\n")
            self.line_containing(" 903 ")
        self.send(f"NICK {name}\r\nUSER {name} 0 * :{name}\r\nCAP END\r\nJOIN #lobby\r\n")
        self.line_containing(" 366 ")


class AtIRCClient(Screen):
    """Somebody at a client of IRC, whose window shows the lobby.

    The pictures are those by which the client shows what has happened, as regular expressions for a row: what is in braces is put in.
    """

    said = action = joined = left = kicked = kicked_myself = topic = renamed = renamed_myself = banned = unbanned = ""

    def __init__(self, program, *arguments, home):
        # Terminals have more commands than the model, and curses would use them. This one has not.
        super().__init__(
            program, *arguments, columns=140, rows=50,
            environment={"HOME": str(home), "TERM": "linux", "NCURSES_NO_UTF8_ACS": "1", "TZ": "UTC"})

    def say(self, text):
        self.send(text + "\r")
        return self

    def rows_like(self, pattern):
        return [row for row in self.rows() if re.search(pattern, row)]

    def wait_for_row(self, pattern):
        return self.wait_for(lambda: self.rows_like(pattern), f"a row like {pattern!r}")

    def wait_for_event(self, picture, **values):
        return self.wait_for_row(self.pattern(picture, **values))

    def pattern(self, picture, **values):
        return getattr(self, picture).format(**{key: re.escape(value) for key, value in values.items()})

    def wait_for_said(self, name, text):
        return self.wait_for_event("said", name=name, text=text)

    def wait_for_action(self, name, text):
        return self.wait_for_event("action", name=name, text=text)
