"""Many messages do not slow the page down, nor take its memory."""

import pytest

LINES = 20_000
KEYS = 100


@pytest.fixture
def chatd(start):
    # No browser on a busy machine is too slow for this log: that others wait for it, or that it is told of a gap, is tested elsewhere.
    return start("--chat", "--name", "tea", "--log-size", "16m", "--stall", "60s", "--grace", "60s")


# From a key to the frame that shows it, as far as a page can measure that itself.
MEASURE = """
    window.delays = [];
    line.addEventListener('input', event => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => delays.push(performance.now() - event.timeStamp);
        channel.port2.postMessage(0);
    }));
"""


def test_typing_while_lines_rush_in(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    page.run(MEASURE)
    ben = chatd.join("ben")
    page.line.click()
    for key in range(KEYS):
        ben.send("".join(f"line {i} of https://example.org/{i}\n" for i in range(key * LINES // KEYS, (key + 1) * LINES // KEYS)))
        page.command("Input.dispatchKeyEvent", type="keyDown", text="a")
        page.command("Input.dispatchKeyEvent", type="keyUp")
    ben.send("the end\n")
    page.wait_for_text("the end")
    page.wait(lambda: page.run("return delays.length") == KEYS, "the frame of the last key")
    delays = sorted(page.run("return delays"))
    print(f"{KEYS} keys; to the frame: median {delays[KEYS // 2]:.0f} ms, worst {delays[-1]:.0f} ms")
    assert page.typed == "a" * KEYS
    # Far more than it takes, so that a busy machine does not fail; one that renders each line takes seconds.
    assert delays[KEYS // 2] < 250
    nodes = page.run("return document.querySelectorAll('*').length")
    print(f"{nodes} elements")
    assert nodes < 4_500
    assert page.run("return pane.scrollHeight - pane.scrollTop - pane.clientHeight") < 2


def test_one_who_reads_further_up_is_left_there(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    ben = chatd.join("ben")
    ben.send("".join(f"line {i}\n" for i in range(100)))
    page.wait_for_text("line 99")
    page.run("pane.scrollTop = 400")
    page.wait(lambda: page.run("return pane.scrollTop") == 400, "the place")
    height = "return [...document.querySelectorAll('#log .row')].find(e => e.textContent.endsWith('line 20')).getBoundingClientRect().y"
    before = page.run(height)
    ben.send("".join(f"more {i}\n" for i in range(2_000)))
    page.wait(lambda: page.find("#newest").text == "2000 new ↓", "the count")
    assert abs(page.run(height) - before) < 1
    page.find("#newest").click()
    page.wait_for_text("more 1999")
    page.wait(lambda: page.run("return pane.scrollHeight - pane.scrollTop - pane.clientHeight") < 2, "the end")
    assert not page.find("#newest").is_displayed()


def test_a_click_is_not_lost_while_the_lists_change(chatd, open_page):
    ben = chatd.join("ben")
    page = open_page(chatd).wait_for_room("lobby").say("/join kitchen").wait_for_room("kitchen")
    place = page.rect("#rooms button")
    at = {"x": place["x"] + 20, "y": place["y"] + 10, "button": "left", "clickCount": 1}
    page.command("Input.dispatchMouseEvent", type="mousePressed", **at)
    ben.send("this changes the count of the lobby\n/join kitchen\nhere\n")
    page.wait_for_text("here")
    # Timers of a page fire in order: this one after that by which the lists are drawn.
    page.run("return new Promise(resolve => setTimeout(resolve, 110))")
    page.command("Input.dispatchMouseEvent", type="mouseReleased", **at)
    page.wait_for_room("lobby")
