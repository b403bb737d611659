import pytest

from chromium import driver, open_page  # noqa: F401: fixtures
from network import Chatd


@pytest.fixture
def start(tmp_path):
    """Starts a chatd with some options."""
    daemons = []

    def start(*options):
        log = open(tmp_path / "log", "ab")
        daemons.append(Chatd(*options, log=log))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.stop()
        daemon.log.close()


@pytest.fixture
def chatd(start):
    return start("--chat", "--name", "tea")
