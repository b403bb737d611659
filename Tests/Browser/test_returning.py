"""The connection is lost: it is said, what is typed is kept, and what was missed comes, once."""

import subprocess

import pytest
from selenium.webdriver.common.keys import Keys

from network import CHATD, Line


def test_a_restart_that_keeps_the_rooms(start, open_page, tmp_path):
    daemon = start("--chat", "--name", "tea", "--room-log", str(tmp_path))
    page = open_page(daemon).wait_for_room("lobby").call_me("ana")
    page.say("/join kitchen").wait_for_room("kitchen").say("before").wait_until_settled()
    ben = daemon.join("ben")
    ben.send("ben was here\n")
    page.type("half")
    daemon.stop()
    page.wait_for_break().type(" a line")
    daemon.start()
    ben = daemon.join("ben")
    ben.send("missed one\nmissed two\n")
    page.wait_for_connection()
    page.wait(lambda: page.find("#me").text == "ana", "the name")
    assert page.typed == "half a line"
    assert page.texts("#log .text").count("before") == 1
    page.run("document.querySelector('#rooms button').click()")
    page.wait_for_room("lobby").wait_for_text("missed two")
    said = page.texts("#log .say .text")
    assert [said.count(text) for text in ("ben was here", "missed one", "missed two")] == [1, 1, 1]
    assert not page.texts("#log .gap")


def test_a_restart_that_forgets_shows_a_gap(start, open_page):
    daemon = start("--chat", "--name", "tea")
    page = open_page(daemon).wait_for_room("lobby").say("before").wait_until_settled()
    daemon.stop()
    page.wait_for_break()
    daemon.start()
    page.wait_for_text("Missing here: ?", ".gap .text").say("after").wait_until_settled()
    assert [text for text in page.texts("#log .text") if text in ("before", "after")] == ["before", "after"]


def test_one_who_was_removed_is_not_let_in_again_by_itself(start, open_page, tmp_path):
    control = f"unix:{tmp_path}/control"
    daemon = start("--chat", "--name", "tea", "--control", control)
    page = open_page(daemon).wait_for_room("lobby").call_me("ana")
    subprocess.run([CHATD, "ctl", "--control", control, "kick", "ana", "be nice"], check=True, stdout=subprocess.DEVNULL)
    page.wait(lambda: "be nice" in page.find("#status").text, "the reason")
    page.find("#status button").click()
    page.wait_for_connection()


def test_one_who_leaves_is_gone(chatd, open_page):
    ben = chatd.join("ben")
    page = open_page(chatd).wait_for_room("lobby").call_me("ana").say("/quit bye")
    ben.line_containing("ana left: quit: bye")
    page.wait_for_break()


@pytest.fixture
def line(chatd):
    line = Line(chatd)
    yield line
    line.close()


def test_what_arrived_unconfirmed_is_not_shown_twice(chatd, line, open_page):
    ben = chatd.join("ben")
    page = open_page(line).wait_for_room("lobby").call_me("ana").say("first").wait_until_settled()
    line.loses = "down"
    page.say("arrives").wait(lambda: page.texts(".pending .text") == ["arrives"], "what is not confirmed")
    ben.line_containing("ana: arrives")
    line.cut()
    page.wait_until_settled().wait_for_connection()
    assert page.texts("#log .say .text") == ["first", "arrives"]
    assert page.texts(".fate") == []


def test_what_was_lost_is_in_doubt(chatd, line, open_page):
    page = open_page(line).wait_for_room("lobby").call_me("ana").say("first").wait_until_settled()
    line.loses = "up"
    page.say("is lost").wait(lambda: page.texts(".pending .text") == ["is lost"], "what is not confirmed")
    line.cut()
    page.wait_for_text("Perhaps not sent", ".fate")
    assert page.texts(".doubt .text") == ["is lost"]
    page.say("after").wait_until_settled()
    # What is not known to have arrived can be had back.
    page.type(Keys.ARROW_UP, Keys.ARROW_UP)
    assert page.typed == "is lost"


def test_a_gap_has_its_number(start, open_page):
    daemon = start("--chat", "--name", "tea", "--room-size", "64k", "--line-rate", "0")
    line = Line(daemon)
    ben = daemon.join("ben")
    page = open_page(line).wait_for_room("lobby").say("before").wait_until_settled()
    line.is_broken = True
    line.cut()
    page.wait_for_break()
    ben.send("".join(f"{i:04} {'x' * 1000}\n" for i in range(2_000)) + "/who\n")
    ben.line_containing("in lobby")
    line.is_broken = False
    page.wait_for_text(f"1999 {'x' * 1000}")
    first = int(page.texts("#log .say .text")[1][:4])
    gap = page.texts("#log .gap .text")
    assert len(gap) == 1 and 0 < first <= int(gap[0].removeprefix("Missing here: ")) <= first + 10
    line.close()


def test_a_room_with_a_key_is_not_made_anew_without_it(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby").call_me("ana")
    page.say("/join vault hush").wait_for_room("vault").say("/join kitchen").wait_for_room("kitchen")
    page.driver.refresh()
    page.wait(lambda: page.texts("dialog"), "the question for the key")
    page.wait(lambda: page.texts("#rooms bdi") == ["lobby", "kitchen"], "the rooms without a key")
    assert "hush" not in page.run("return JSON.stringify(sessionStorage)")
    assert page.run("return document.querySelector('dialog input').value") == "vault"
    page.press("hush", Keys.ENTER).wait_for_room("vault")
    ben = chatd.join("ben")
    ben.send("/join vault\n")
    ben.line_containing("key")
    ben.send("/join vault hush\n")
    ben.line_containing("vault")


@pytest.mark.parametrize("how", ["break", "reload"])
def test_who_was_ignored_still_is(chatd, line, open_page, how):
    ben = chatd.join("ben")
    page = open_page(line).wait_for_room("lobby").say("/ignore ben").wait_for_text("you ignore ben")
    if how == "break":
        line.cut()
        page.wait_for_connection()
    else:
        page.driver.refresh()
        page.wait_for_room("lobby")
    page.say("here").wait_until_settled()
    carla = chatd.join("carla")
    ben.send("not heard\n/ping\n")
    ben.line_containing("pong")
    carla.send("heard\n")
    page.wait_for_text("heard")
    assert "not heard" not in page.texts("#log .text")


def test_why_one_may_not_come(start, open_page, tmp_path):
    control = f"unix:{tmp_path}/control"
    page = open_page(start("--chat", "--control", control)).wait_for_room("lobby")

    def ctl(*command):
        subprocess.run([CHATD, "ctl", "--control", control, *command], check=True, stdout=subprocess.DEVNULL)

    ctl("ban", "127.0.0.1", "be", "nice")
    page.wait_for_break()
    page.run("const { fetch } = window; window.asked = 0; window.fetch = place => { asked++; return fetch(place); }")
    page.find("#status button").click()
    page.wait(lambda: "banned" in page.find("#status").text and page.run("return asked") == 1, "the reason")
    # There is nothing to wait for.
    page.run("dispatchEvent(new Event('online'))")
    assert "banned" in page.find("#status").text
    ctl("unban", "127.0.0.1")
    page.find("#status button").click()
    page.wait_for_connection()


def test_a_dead_connection_is_noticed(chatd, line, open_page):
    page = open_page(line).wait_for_room("lobby").say("before").wait_until_settled()
    line.loses = "down"
    # Somebody looks again, and the connection has died meanwhile. What is new then lives.
    page.run("dispatchEvent(new Event('online'))")
    page.wait(lambda: page.find("#status").is_displayed(), "the loss of the connection")
    line.loses = None
    page.wait_for_connection().say("after").wait_until_settled()


def test_who_says_too_much_at_once_does_not_come_back_by_itself(start, open_page):
    page = open_page(start("--chat", "--max-line", "1k")).wait_for_room("lobby")
    for _ in range(3):
        page.say("x" * 2000)
    page.wait_for_break()
    # With a try to come it would have come now.
    page.run("dispatchEvent(new Event('online'))")
    status = page.find("#status").text
    assert "line" in status, status
    page.find("#status button").click()
    page.wait_for_connection()
