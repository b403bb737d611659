"""What one can do with the keyboard alone."""

from selenium.webdriver.common.keys import Keys


def test_commands_are_completed(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    page.type("/no").wait(lambda: page.find("#choices").get_property("hidden"), "no choice")
    page.type(Keys.BACKSPACE).wait_for_text("/nick NAME", "#choices li")
    page.type(Keys.TAB)
    assert page.typed == "/nick "
    page.say("ana").wait(lambda: page.find("#me").text == "ana", "the name")
    # Of several, Tab takes one after the other, and tells a screen reader which.
    page.type("/un", Keys.TAB)
    assert page.typed == "/unignore "
    page.type(Keys.CONTROL, "a").type(Keys.DELETE).type("/j")
    assert page.texts("#choices li") == ["/join ROOM [KEY]"]
    page.type(Keys.BACKSPACE, "i")
    assert page.texts("#choices li") == ["/ignore NAME", "/invite NAME"]
    page.type(Keys.TAB, Keys.TAB)
    assert page.typed == "/invite "
    assert page.run("return document.getElementById(line.getAttribute('aria-activedescendant')).ariaSelected") == "true"
    page.type(Keys.ESCAPE)
    assert page.find("#choices").get_property("hidden")


def test_names_are_completed(chatd, open_page):
    others = [chatd.join("Łukasz"), chatd.join("lucia")]
    page = open_page(chatd).wait_for_text("lucia", "#names .name")
    page.type("lu", Keys.TAB)
    assert page.typed == "lucia: "
    page.type("and @łu")
    assert page.texts("#choices li") == ["@Łukasz"]
    page.type(Keys.TAB)
    assert page.typed == "lucia: and @Łukasz "
    # With nothing to complete, Tab goes on.
    page.type(Keys.TAB)
    assert page.focus() == "send"
    for other in others:
        other.close()


def test_what_was_typed_comes_back(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    page.say("one").say("two").say("/login ana secret").wait(lambda: page.texts("#log .error .text"), "a refusal")
    page.type("half", Keys.ARROW_UP)
    assert page.typed == "two"
    page.type(Keys.ARROW_UP)
    assert page.typed == "one"
    page.type(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.typed == "half"
    assert "secret" not in page.run("return document.documentElement.outerHTML + JSON.stringify(sessionStorage)")


def test_drafts_are_kept(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby").call_me("ana")
    page.say("/join kitchen").wait_for_room("kitchen").type("half a line")
    page.run("document.querySelector('#rooms button').click()")
    page.wait_for_room("lobby")
    assert page.typed == ""
    page.type("another")
    page.driver.refresh()
    # The name and the rooms are taken back, too, and the room that was seen.
    page.wait(lambda: page.texts("#rooms bdi") == ["lobby", "kitchen"], "the rooms")
    page.wait(lambda: page.find("#me").text == "ana", "the name")
    assert page.typed == "another"
    page.run("document.querySelectorAll('#rooms button')[1].click()")
    page.wait_for_room("kitchen")
    assert page.typed == "half a line"
    # One with a password is not.
    page.type(Keys.CONTROL, "a").type("/login ana secret")
    assert page.typed == "/login ana secret"
    assert "secret" not in page.run("return JSON.stringify(sessionStorage)")


def test_several_lines_are_several_messages(chatd, open_page):
    ben = chatd.join("ben")
    page = open_page(chatd).wait_for_room("lobby").call_me("ana")
    page.type("one", Keys.SHIFT + Keys.ENTER).type(Keys.NULL, "/two").type(Keys.ENTER)
    assert ben.line_containing("one") == "ana: one"
    assert ben.line_containing("two") == "ana: /two"


def test_many_lines_are_asked_about(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    paste = """const data = new DataTransfer(); data.setData('text/plain', arguments[0]);
        line.focus(); line.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, cancelable: true }))"""
    text = "\n".join(f"line {i}" for i in range(40))
    page.run(paste, text)
    page.wait(lambda: page.texts("dialog h2") == ["Paste 40 lines? Each becomes a message."], "the question")
    page.press(Keys.ESCAPE).wait(lambda: not page.texts("dialog"), "the end of the question")
    assert page.typed == ""
    page.run(paste, text)
    page.press(Keys.TAB, Keys.ENTER).wait(lambda: page.typed == text, "the text")


def test_a_way_through_the_page(chatd, open_page):
    page = open_page(chatd, size=(390, 844)).wait_for_room("lobby")
    menu, places = page.find("#menu"), page.find("#places")
    assert menu.get_property("ariaExpanded") == "false" and not places.is_displayed()
    page.run("menu.focus()")
    page.press(Keys.ENTER).wait(places.is_displayed, "the rooms")
    assert page.focus().startswith("lobby") and menu.get_property("ariaExpanded") == "true"
    page.press(Keys.ESCAPE).wait(lambda: not places.is_displayed(), "the rooms' end")
    # Everything that can be pressed has a name, and shows where the focus is.
    assert page.run("return [...document.querySelectorAll('button, textarea')].filter(e => !(e.ariaLabel || e.textContent))") == []
    for role in ("main", "nav", "aside", "header", "[role=log][aria-live=polite]", "[role=status]"):
        assert len(page.texts(role)) == 1
    page.run("send.focus()")
    page.press(Keys.SHIFT + Keys.TAB)
    assert page.focus() == "line"
    assert page.run("return getComputedStyle(line).outlineStyle") == "solid"


def test_a_password_is_said_to_nobody(chatd, open_page):
    ben = chatd.join("ben")
    page = open_page(chatd).wait_for_room("lobby").call_me("ana")
    for text in (" /login ana hush", "hello\n/login ana hush", "hello\n  /JOIN vault hush", "\u00a0/op hush"):
        page.run("line.value = arguments[0]; line.dispatchEvent(new InputEvent('input'))", text)
        assert "hush" not in page.run("return JSON.stringify(sessionStorage)")
        errors = len(page.texts("#log .error"))
        page.type(Keys.ENTER).wait(lambda: len(page.texts("#log .error")) > errors, "the refusal")
        # It stays where it is, to be corrected, but does not come back later.
        assert page.typed == text
        page.run("line.value = ''")
        page.type(Keys.ARROW_UP)
        assert page.typed == "/nick ana"
        page.run("line.value = ''")
    page.say("the end").wait_until_settled()
    assert ben.line_containing("ana: ") == "ana: the end"
    assert "hush" not in page.run("return document.documentElement.outerHTML")


def test_enter_ends_a_composition_first(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby").type("にほん")
    # Safari tells of the end of a composition before the key that has ended it, which has only this number to be known by.
    enter = "line.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: arguments[0], cancelable: true }))"
    page.run(enter, 229)
    assert page.typed == "にほん"
    page.run(enter, 13)
    page.wait_for_text("にほん").wait_until_settled()
