import contextlib
import os
import subprocess
import sys

import pytest

# Who sits before a terminal, and before a browser's tab, and what is at the other end, are as there.
sys.path += [os.path.join(os.path.dirname(__file__), "..", folder) for folder in ("Browser", "Terminal")]

from chromium import driver, open_page  # noqa: E402, F401: fixtures
from irssi import Irssi  # noqa: E402
from network import CHATD, Chatd  # noqa: E402
from people import AtTerminal, IRCPeer, Netcat  # noqa: E402
from weechat import WeeChat  # noqa: E402


@pytest.fixture
def people():
    """Those who are there during a test, and go with it."""
    with contextlib.ExitStack() as people:
        yield people


@pytest.fixture
def start(tmp_path):
    """Starts a chatd with some options."""
    daemons = []

    def start(*options):
        log = open(tmp_path / "log", "ab")
        daemons.append(Chatd("--chat", "--name", "tea", *options, log=log, protocols=("", "web:", "irc:")))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.stop()
        daemon.log.close()


@pytest.fixture
def chatd(start):
    return start()


@pytest.fixture
def passwords(tmp_path):
    """Makes a file of passwords, in which each name's is the name and `-secret`."""

    def passwords(*names, operators=()):
        path = str(tmp_path / "passwords")
        for name in (*names, *operators):
            kind = ["--operator"] if name in operators else []
            subprocess.run(
                [CHATD, "passwd", "--password-file", path, *kind, name], input=f"{name}-secret\n", text=True, check=True,
                stdout=subprocess.DEVNULL)
        return path

    return passwords


@pytest.fixture
def nc(people):
    """Somebody with nc, whose lines the server takes for those of a person."""
    return lambda daemon, name: people.enter_context(contextlib.closing(Netcat(daemon.port, name)))


@pytest.fixture
def chat(people, tmp_path):
    """Somebody at the terminal client of this package."""
    return lambda daemon, name: people.enter_context(AtTerminal(daemon.port, name, tmp_path / name))


@pytest.fixture
def irc_peer(people):
    """Somebody whose client shows the messages of IRC as they are."""
    return lambda daemon, name, **more: people.enter_context(
        contextlib.closing(IRCPeer(daemon.ports["irc:"], name, **more)))


@pytest.fixture(params=[WeeChat, Irssi], ids=["weechat", "irssi"])
def irc_client(request, people, tmp_path):
    """Somebody at a client of IRC: the same test for each of the clients."""

    def irc_client(daemon, name, **more):
        return people.enter_context(request.param(daemon.ports["irc:"], name, tmp_path / name, **more))

    irc_client.kind = request.param.__name__.lower()
    return irc_client
