"""Bots made with libraries from PyPI log in by SASL, and are in the lobby like everybody else."""

import datetime
import os
import re
import subprocess
import sys
import time

import pytest

FOLDER = os.path.join(os.path.dirname(__file__), "bots")


@pytest.fixture(params=["irc", "pydle"])
def start_bot(request, people, tmp_path):
    def start_bot(daemon, name):
        log = people.enter_context(open(tmp_path / "bot.log", "wb"))
        process = subprocess.Popen(
            [sys.executable, f"{FOLDER}/bot_of_{request.param}.py", str(daemon.ports["irc:"]), name, f"{name}-secret"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        people.callback(process.wait)
        people.callback(process.kill)

    return start_bot


def test_a_bot_in_the_lobby(start, tmp_path, passwords, nc, chat, open_page, irc_peer, start_bot):
    daemon = start("--room-log", str(tmp_path), "--password-file", passwords("rob"))
    nina, carl, bea = nc(daemon, "nina"), chat(daemon, "carl"), open_page(daemon).wait_for_room("lobby").call_me("bea")
    iris = irc_peer(daemon, "iris")
    before = time.time()
    nina.send("first\nsecond\n/who\n")
    nina.line_containing("in lobby")
    after = time.time()
    start_bot(daemon, "rob")
    nina.line_containing("* rob joined")
    said = nina.line_containing("rob: I know of")
    count, text, date = re.fullmatch(r"rob: I know of (\d+), the last of which is nina's '(.*)' of (.*)", said).groups()
    assert (count, text) == ("2", "second")
    # The server's times have milliseconds.
    assert int(before) <= datetime.datetime.fromisoformat(date).timestamp() <= after
    # It answers to each form of client in its own, and its library has understood who is there.
    for say in (lambda text: nina.send(text + "\n"), carl.say, bea.say, lambda text: iris.send(f"PRIVMSG #lobby :{text}\r\n")):
        say("!names")
        assert nina.line_containing("rob: here are") == "rob: here are bea carl iris nina rob"
    nina.send("/nick nora\n/me waves\n!names\n")
    assert nina.line_containing("rob: ") == "rob: *sees nora, who waves*"
    assert nina.line_containing("rob: here are") == "rob: here are bea carl iris nora rob"
    nina.send("/msg rob psst\n")
    assert nina.line_containing("rob to you") == "rob to you: to you alone: psst"
    carl.say("/msg rob hush").wait_for_line("rob to you: to you alone: hush")
    bea.say("/msg rob hear").wait_for_text("to you alone: hear")
    iris.send("PRIVMSG rob :hello\r\nWHOIS rob\r\n")
    iris.line_containing(" 330 iris rob rob ")
    iris.line_containing("PRIVMSG iris :to you alone: hello")


def test_a_bot_comes_back(start, tmp_path, passwords, nc, start_bot):
    daemon = start("--room-log", str(tmp_path), "--password-file", passwords("rob"))
    nina = nc(daemon, "nina")
    start_bot(daemon, "rob")
    assert nina.line_containing("rob: I know of") == "rob: I know of 0, the last of which is nothing"
    daemon.stop()
    daemon.start()
    nina = nc(daemon, "nina")
    nina.line_containing("rob: I know of 1, the last of which is rob's 'I know of 0")
    nina.send("!names\n")
    assert nina.line_containing("here are") == "rob: here are nina rob"
