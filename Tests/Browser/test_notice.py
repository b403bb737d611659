"""How somebody who looks elsewhere hears of messages."""


def test_unread_messages_are_counted_and_marked(chatd, open_page):
    ben = chatd.join("ben")
    page = open_page(chatd).wait_for_room("lobby")
    ben.send("read\n")
    page.wait_for_text("read").set_focus(False)
    # In front of it is another one.
    other = open_page(chatd).wait_for_room("lobby")
    ben.send("one\ntwo\n")
    other.wait_for_text("two")
    page.wait(lambda: page.driver.title == "(2) lobby – tea", "the count in the title")
    # The title counts what has come, before it is drawn.
    page.wait(lambda: page.run("return document.querySelector('.new') !== null"), "the mark")
    assert page.run("return document.querySelector('.new').nextSibling.querySelector('.text').textContent") == "one"
    page.set_focus(True)
    page.wait(lambda: page.driver.title == "lobby – tea", "the title without a count")


def test_nothing_is_asked_of_who_only_looks(chatd, open_page):
    page = open_page(chatd)
    page.command("Browser.setPermission", origin=chatd.url, permission={"name": "notifications"}, setting="prompt")
    page.run("window.asked = 0; Notification.requestPermission = async () => { asked++; return 'denied' }")
    page.wait_for_room("lobby").call_me("ana")
    assert page.run("return asked") == 0
    page.find("#notify").click()
    page.wait(lambda: page.run("return asked") == 1, "the question")
    assert page.find("#notify").get_property("ariaPressed") == "false"


def test_who_is_called_by_name_is_notified(chatd, open_page):
    ben = chatd.join("ben")
    page = open_page(chatd)
    page.command("Browser.setPermission", origin=chatd.url, permission={"name": "notifications"}, setting="granted")
    # What the system shows of a notification cannot be seen from here.
    page.run("""
        window.notes = [];
        window.Notification = class { static permission = 'granted'; static requestPermission = async () => 'granted';
            constructor(title, { body }) { notes.push([title, body]) } }""")
    page.wait_for_room("lobby").call_me("ana").find("#notify").click()
    page.wait(lambda: page.find("#notify").get_property("ariaPressed") == "true", "that notifications are on")
    page.run("document.hasFocus = () => false")
    ben.send("nothing\nana: look\n/msg ana psst\n")
    expected = [["ben", "psst"], ["ben – lobby", "ana: look"]]
    page.wait(lambda: sorted(page.run("return notes")) == expected, "the notifications")
