"""Names that have a password."""

import subprocess

import pytest
from selenium.webdriver.common.keys import Keys

from network import CHATD


@pytest.fixture
def passwords(tmp_path):
    file = str(tmp_path / "passwords")
    subprocess.run([CHATD, "passwd", "--password-file", file, "ana"], input="secret words\n", text=True, check=True, stdout=subprocess.DEVNULL)
    return file


@pytest.mark.parametrize("options", [(), ("--require-login",)])
def test_a_login(start, open_page, passwords, options):
    page = open_page(start("--chat", "--password-file", passwords, *options))
    if not options:
        page.wait_for_room("lobby").find("#login").click()
    page.wait(lambda: page.texts("dialog input[type=password]"), "the question")
    page.press("ana", Keys.TAB, "wrong", Keys.ENTER).wait(lambda: "not the password" in page.find("main").text, "a refusal")
    page.find("#login").click()
    page.press(Keys.CONTROL, "a").press("ana", Keys.TAB, "secret words", Keys.ENTER)
    page.wait(lambda: page.find("#me").text == "ana", "the name").wait_for_room("lobby").wait_for_connection()
    page.say("logged in").wait_until_settled()
    assert "secret" not in page.run("return document.documentElement.outerHTML + JSON.stringify({ ...sessionStorage, ...localStorage })")


def log_in(page):
    page.wait_for_room("lobby").say("/login ana secret words").wait(lambda: page.find("#me").text == "ana", "the name")


@pytest.mark.parametrize("how", ["break", "reload"])
def test_who_was_logged_in_is_told_of_being_a_guest(start, open_page, passwords, how):
    daemon = start("--chat", "--password-file", passwords)
    page = open_page(daemon)
    log_in(page)
    if how == "break":
        daemon.stop()
        page.wait_for_break()
        daemon.start()
    else:
        page.driver.refresh()
    page.wait(lambda: "You are a guest now" in page.find("#status").text, "the news")
    page.find("#status button").click()
    page.press(Keys.TAB, "secret words", Keys.ENTER).wait(lambda: page.find("#me").text == "ana", "the name").wait_for_connection()


def test_commands_before_a_login(start, open_page, passwords):
    page = open_page(start("--chat", "--password-file", passwords, "--require-login"))
    page.wait(lambda: page.texts("dialog"), "the question").press(Keys.ESCAPE)
    page.say("/help").wait(lambda: any("/login NAME" in text for text in page.texts("#log .text")), "the help")
    page.say("hello").wait(lambda: page.texts("#log .fate") == ["Not sent"], "the refusal")
    page.say("/login ana secret words").wait_for_room("lobby")
    assert page.find("#me").text == "ana" and page.texts("#log .text") == []
    page.say("logged in").wait_until_settled().wait_for_connection()
