"""People at pages and others without one talk to each other."""

from selenium.webdriver.common.keys import Keys


def test_two_pages_and_a_client_of_lines(chatd, open_page):
    ana, ben = open_page(chatd).wait_for_room("lobby"), open_page(chatd).wait_for_room("lobby")
    ana.call_me("ana")
    ben.call_me("ben")
    carla = chatd.join("carla")
    ana.say("olá").wait_for_text("olá").wait_until_settled()
    assert carla.line_containing("olá") == "ana: olá"
    ben.wait_for_text("olá").say("//slashes").wait_for_text("/slashes")
    assert carla.line_containing("slashes") == "ben: /slashes"
    carla.send("/me waves\n")
    for page in (ana, ben):
        page.wait_for_text("carla waves").wait_until_settled()
        assert page.texts("#log .text").count("olá") == 1
        assert set(page.texts("#names .name")) == {"ana", "ben", "carla"}
    carla.close()
    ben.wait_for_text("\u2068carla\u2069 left (closed)")
    ben.wait(lambda: set(ben.texts("#names .name")) == {"ana", "ben"}, "the names without carla")


def test_history_comes_before_what_is_live(chatd, open_page):
    ana = chatd.join("ana")
    ana.send("one\ntwo\n/who\n")
    ana.line_containing("in lobby")
    page = open_page(chatd).wait_for_text("two")
    ana.send("three\n")
    page.wait_for_text("three")
    assert page.texts("#log .text") == ["one", "two", "three"]
    # The second line of the same person has the name for those who cannot see, but does not show it.
    assert page.texts("#log .name") == ["ana"] * 3
    assert page.run("return [...document.querySelectorAll('#log .row')].map(e => e.classList.contains('same'))") == [False, True, True]


def test_earlier_messages_come_before_the_others(start, open_page):
    daemon = start("--chat", "--history", "3")
    ana = daemon.join("ana")
    ana.send("".join(f"line {i}\n" for i in range(60)) + "/who\n")
    ana.line_containing("in lobby")
    page = open_page(daemon).wait_for_text("line 59")
    page.say("mine").wait_until_settled()
    page.find("#earlier").click()
    page.wait_for_text("line 0")
    said = [text for text in page.texts("#log .text") if text.startswith("line")]
    assert said == [f"line {i}" for i in range(60)]
    assert page.texts("#log .text")[-1] == "mine"


def test_rooms(chatd, open_page):
    ben, dora = chatd.join("ben"), chatd.join("dora")
    page = open_page(chatd).wait_for_room("lobby").call_me("ana")
    page.say("/join Kitchen").wait_for_room("Kitchen")
    ben.send("in the lobby\n/join kitchen\n")
    page.wait_for_text("\u2068ben\u2069 joined")
    page.wait(lambda: page.texts("#rooms .count:not([hidden])") == ["1"], "the count of what is unread in the lobby")
    page.wait(lambda: page.run("return document.title") == "(1) Kitchen – tea", "the title")
    ben.send("/topic soup\nthe kettle is on\n")
    page.wait_for_text("the kettle is on").wait_for_text("soup", "#topic")
    # What is said goes to the room that is seen, whatever the server was told last.
    page.run("document.querySelector('#rooms button').click()")
    page.wait_for_room("lobby").wait_for_text("in the lobby").say("to the lobby").wait_until_settled()
    page.run("document.querySelectorAll('#rooms button')[1].click()")
    page.wait_for_room("Kitchen").say("to the kitchen").wait_until_settled()
    assert "to the lobby" not in page.texts("#log .text")
    assert ben.line_containing("to the") == "ana: to the kitchen"
    assert dora.line_containing("to the") == "ana: to the lobby"
    page.say("/leave").wait_for_room("lobby")
    assert ben.line_containing("ana left").startswith("* ana left: moved")
    # Rooms that one is not in are listed, too.
    page.run("dispatchEvent(new Event('focus'))")
    page.wait_for_text("Kitchen", "#rooms .quiet")


def test_a_room_with_a_key(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    page.find("#join").click()
    page.press("cellar", Keys.TAB, "open sesame", Keys.ENTER).wait_for_room("cellar")
    other = open_page(chatd).wait_for_room("lobby")
    other.say("/join cellar wrong").wait(lambda: other.texts("#log .error .text"), "a refusal")
    other.say("/join cellar open sesame").wait_for_room("cellar").say("inside")
    page.wait_for_text("inside")
    # A key does not come back by the arrow, as other lines do.
    other.type(Keys.ARROW_UP)
    assert other.typed == "inside"
    other.type(Keys.ARROW_UP)
    assert other.typed == "inside"
    assert "sesame" not in other.run("return JSON.stringify(sessionStorage)")


def test_private_messages(chatd, open_page):
    ben = chatd.join("ben")
    page = open_page(chatd).wait_for_room("lobby").call_me("ana")
    ben.send("/msg ana psst\n")
    page.wait(lambda: page.texts("#directs .count:not([hidden])") == ["1"], "a private conversation")
    page.run("document.querySelector('#directs button').click()")
    page.wait_for_room("ben").wait_for_text("psst").say("what is it?").wait_until_settled()
    assert ben.line_containing("what is it?") == "ben to you: what is it?".replace("ben", "ana")
    # Who takes another name may be followed by somebody who takes the first one: it is said.
    ben.send("/nick mallory\n")
    page.wait_for_text("\u2068ben\u2069 is now \u2068mallory\u2069").say("are you there?")
    page.wait_for_text("nobody is called ben").wait(lambda: page.texts(".failed .text") == ["are you there?"], "the failure")
    page.say("/msg mallory hello").wait_for_room("mallory").wait_until_settled()
    assert ben.line_containing("hello") == "ana to you: hello"


def test_what_is_refused_is_marked(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    page.say("/nick server").wait(lambda: page.texts("#log .error .text"), "a refusal")
    # The server answers in order, so it is known which line was refused.
    page.say("x" * 9000).say("good").wait_for_text("good").wait_until_settled()
    assert [len(text) for text in page.texts(".failed .text")] == [9000]
    assert page.texts(".fate") == ["Not sent"]


def test_names_are_marked_where_they_are_words(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby").call_me("ana")
    ben = chatd.join("ben")
    ben.send("banana\nAna, look\nana-maria\n")
    page.wait_for_text("ana-maria")
    assert page.texts(".mention .text") == ["Ana, look"]


#: Makes the page's connection known as `talk`, with what it sends in `sent`.
SPY = """
    window.sent = [];
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (line) { window.talk = this; sent.push(line); send.call(this, line); };
"""


def test_not_everybody_asks_for_names_at_once(chatd, open_page):
    page = open_page(chatd).wait_for_room("lobby")
    page.wait(lambda: len(page.texts("#names .name")) == 1, "the names")
    # Of the five to thirty seconds, the least.
    page.run(SPY + "Math.random = () => 0;")
    page.say("hello").wait_until_settled()
    page.run("""
        for (let seq = 1e6; seq < 1e6 + 20; seq++) {
            const event = { type: 'notice', seq, time: new Date, room: 'lobby', text: '12 joined (13 online)', online: 13 };
            talk.onmessage({ data: JSON.stringify(event) });
        }""")
    page.wait_for_text("12 joined (13 online)")
    assert page.run("return sent").count("/who lobby") == 0
    page.wait(lambda: "/who lobby" in page.run("return sent"), "the question")
    page.say("/ping").wait_for_text("pong")
    assert page.run("return sent").count("/who lobby") == 1
