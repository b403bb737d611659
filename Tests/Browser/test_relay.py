"""Without --chat the page is one of plain lines."""

from selenium.webdriver.common.keys import Keys

from network import Peer


def test_plain_lines(start, open_page):
    daemon = start()
    page = open_page(daemon)
    page.wait(lambda: page.run("return document.body.className") == "relay", "the relay")
    assert not page.find("#places").is_displayed() and not page.find("#people").is_displayed()
    peer = Peer(daemon.port)
    # Only what comes after a client has been taken in is relayed to it.
    page.say("/nick nobody").wait_for_text("/nick nobody")
    other = open_page(daemon)
    other.wait(lambda: other.run("return document.body.className") == "relay", "the relay")
    peer.send("<b>plain</b> https://example.org \u202e\u0007\n")
    for each in (page, other):
        each.wait_for_text("<b>plain</b> https://example.org \\u{202e}\\u{7}")
        assert each.texts("#log a") == ["https://example.org"]
    other.type("one", Keys.SHIFT + Keys.ENTER).type(Keys.NULL, "/two", Keys.ENTER)
    page.wait_for_text("/two")
    assert peer.line_containing("/two") == "/two"
    assert page.texts("#log .name") == ["you"]
    daemon.stop()
    page.wait_for_break()
    daemon.start()
    page.wait_for_text("Missing here: ?", ".gap .text")


def test_who_leaves_is_told(start, open_page):
    page = open_page(start())
    page.wait(lambda: page.run("return document.body.className") == "relay", "the relay")
    page.say("x").wait_for_break()
    assert "You have left." in page.find("#status").text
