"""An operator at a client of IRC keeps the lobby in order."""

import pytest


@pytest.fixture
def daemon(start, passwords):
    return start("--password-file", passwords("dora", operators=["wanda", "olga"]))


def test_kicks(daemon, nc, chat, open_page, irc_client):
    nina, carl, bea = nc(daemon, "nina"), chat(daemon, "carl"), open_page(daemon).wait_for_room("lobby").call_me("bea")
    wanda = irc_client(daemon, "wanda", password="wanda-secret")
    for name in ("nina", "carl", "bea"):
        wanda.say(f"/kick {name} be nice").wait_for_event("kicked", name=name, kicker="wanda", reason="be nice")
    # There is no chat without the lobby for them, so they are closed.
    assert nina.line_containing("sent you out") == "! wanda has sent you out of lobby: be nice"
    carl.wait_for_text("wanda has sent you out of lobby: be nice")
    bea.wait(lambda: "wanda has sent you out of lobby: be nice" in bea.find("body").text, "the reason")


def test_being_kicked(daemon, nc, irc_client, irc_peer):
    nina = nc(daemon, "nina")
    wanda = irc_client(daemon, "wanda", password="wanda-secret")
    olga = irc_peer(daemon, "olga", password="olga-secret")
    olga.send("KICK #lobby wanda :enough\r\n")
    wanda.wait_for_event("kicked_myself", name="wanda", kicker="olga", reason="enough")
    assert nina.line_containing("* wanda left").startswith("* wanda left: kicked by olga: enough")
    wanda.say("/join #lobby")
    nina.line_containing("* wanda joined")


def test_bans(daemon, nc, irc_client, irc_peer):
    nina, dora = nc(daemon, "nina"), irc_peer(daemon, "dora", password="dora-secret")
    wanda = irc_client(daemon, "wanda", password="wanda-secret").wait_for_names("nina", "dora", "wanda")
    for mask in ("nina!*@*", "dora!*@*"):
        wanda.say(f"/mode #lobby +b {mask}").wait_for_event("banned", name="wanda", mask=mask)
    assert dora.line_containing("MODE").split()[1:] == ["MODE", "#lobby", "+b", "nina!*@*"]
    nina.send("may I?\n")
    assert nina.line_containing("! ") == "! you are banned from lobby"
    dora.send("PRIVMSG #lobby :may I?\r\n")
    assert " 404 dora #lobby :" in dora.line_containing("banned from")
    # Who has left cannot come back.
    dora.send("PART #lobby\r\nJOIN #lobby\r\n")
    dora.line_containing(" 474 dora #lobby ")
    wanda.say("/mode #lobby +b").wait_for_row(r"dora!\*@\*.*wanda")
    wanda.say("/mode #lobby -b nina!*@*").wait_for_event("unbanned", name="wanda", mask="nina!*@*")
    nina.send("thank you\n")
    wanda.wait_for_said("nina", "thank you")
    assert not wanda.rows_like(r"may I\?")


def test_who_is_no_operator_is_told_so(chatd, nc, irc_client):
    nc(chatd, "nina")
    wanda = irc_client(chatd, "wanda").wait_for_names("nina", "wanda")
    wanda.say("/kick nina go").wait_for_row("not channel operator")
    wanda.say("/mode #lobby +b nina!*@*").wait_for(lambda: len(wanda.rows_like("not channel operator")) > 1, "another refusal")


def test_somebody_who_opens_a_room_keeps_it(chatd, nc, irc_client):
    nina = nc(chatd, "nina")
    wanda = irc_client(chatd, "wanda").say("/join #kitchen").wait_for_row(r"joined #kitchen")
    wanda.say("/mode #kitchen +m").wait_for_row(r"[#/]kitchen \[\+m\]")
    nina.send("/join kitchen\nmay I?\n")
    nina.line_containing("! those alone speak in kitchen who have a voice")
    # WeeChat sends nothing about a name that it has not seen there.
    wanda.wait_for_row(r"nina .*joined #kitchen")
    wanda.say("/voice nina").wait_for_row(r"\+v nina")
    assert nina.line_containing("voice") == "* wanda has given you a voice in kitchen"
    nina.send("thank you\n")
    wanda.wait_for_row("nina.* thank you")
