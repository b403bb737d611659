"""Somebody at a client of IRC is in the lobby with those who have nc, the terminal client of this package, and a browser."""

import pytest


@pytest.fixture
def company(chatd, nc, chat, open_page):
    """Three who are in the lobby already."""
    return nc(chatd, "nina"), chat(chatd, "carl"), open_page(chatd).wait_for_room("lobby").call_me("bea")


def test_everybody_hears_everybody(chatd, company, irc_client):
    nina, carl, bea = company
    wanda = irc_client(chatd, "wanda").wait_for_names("nina", "carl", "bea", "wanda")
    nina.line_containing("* wanda joined")
    carl.wait_for_text("* wanda joined")
    bea.wait(lambda: set(bea.texts("#names .name")) == {"nina", "carl", "bea", "wanda"}, "the names")
    wanda.say("olá, everybody").wait_for_said("wanda", "olá, everybody")
    assert nina.line_containing("everybody") == "wanda: olá, everybody"
    carl.wait_for_line("wanda: olá, everybody")
    bea.wait_for_text("olá, everybody")
    nina.send("from nc\n")
    wanda.wait_for_said("nina", "from nc")
    carl.say("from chat")
    wanda.wait_for_said("carl", "from chat")
    bea.say("from a browser")
    wanda.wait_for_said("bea", "from a browser")
    # Each once.
    for name, text in (("wanda", "olá, everybody"), ("nina", "from nc"), ("carl", "from chat"), ("bea", "from a browser")):
        assert len(wanda.rows_like(wanda.pattern("said", name=name, text=text))) == 1


def test_what_people_do(chatd, company, irc_client):
    nina, carl, bea = company
    wanda = irc_client(chatd, "wanda").say("/me waves").wait_for_action("wanda", "waves")
    assert nina.line_containing("waves") == "wanda: *waves*"
    carl.wait_for_line("wanda: *waves*")
    bea.wait_for_text("wanda waves")
    for say, name in ((lambda text: nina.send(text + "\n"), "nina"), (carl.say, "carl"), (bea.say, "bea")):
        say("/me waves back")
        wanda.wait_for_action(name, "waves back")


def test_topics(chatd, company, irc_client):
    nina, carl, bea = company
    nina.send("/topic soup\n")
    nina.line_containing("soup")
    wanda = irc_client(chatd, "wanda").wait_for_row("soup")
    wanda.say("/topic tea for four").wait_for_event("topic", name="wanda", text="tea for four")
    nina.line_containing("tea for four")
    carl.wait_for_text("tea for four")
    bea.wait_for_text("tea for four", "#topic")
    bea.say("/topic cake")
    wanda.wait_for_event("topic", name="bea", text="cake")


def test_coming_going_and_other_names(chatd, company, irc_client):
    nina, carl, bea = company
    wanda = irc_client(chatd, "wanda")
    nina.send("/nick nora\n")
    wanda.wait_for_event("renamed", old="nina", new="nora").wait_for_names("nora", "carl", "bea", "wanda")
    wanda.say("/nick wilma").wait_for_event("renamed_myself", new="wilma")
    nina.line_containing("wanda is now wilma")
    carl.wait_for_text("wanda is now wilma")
    bea.wait(lambda: set(bea.texts("#names .name")) == {"nora", "carl", "bea", "wilma"}, "the names")
    nina.send("/join kitchen\n/join lobby\n")
    wanda.wait_for_event("left", name="nora").wait_for_event("joined", name="nora")
    bea.say("/quit")
    wanda.wait_for_event("left", name="bea").wait_for_names("nora", "carl", "wilma")


def test_leaving(chatd, nc, irc_client):
    # Few enough that each is told of alone: the server counts those that are more than five within a second.
    nina = nc(chatd, "nina")
    irc_client(chatd, "wanda").say("/part #lobby the end")
    assert nina.line_containing("* wanda left").startswith("* wanda left: the end")


def test_private_messages(chatd, company, irc_client):
    nina, carl, bea = company
    wanda = irc_client(chatd, "wanda")
    for say, name in ((lambda text: nina.send(text + "\n"), "nina"), (carl.say, "carl"), (bea.say, "bea")):
        say(f"/msg wanda from {name} alone")
    for name in ("nina", "carl", "bea"):
        wanda.look_at(name).wait_for_said(name, f"from {name} alone").say(f"to {name} alone").wait_for_said("wanda", f"to {name} alone")
    assert nina.line_containing("to nina alone") == "wanda to you: to nina alone"
    carl.wait_for_line("wanda to you: to carl alone")
    bea.wait_for_text("to bea alone")
    wanda.look_at_lobby().wait_for_event("joined", name="wanda")
    assert not wanda.rows_like(" alone")
