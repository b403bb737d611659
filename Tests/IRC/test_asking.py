"""What somebody at a client of IRC asks about people and rooms."""


def test_who_somebody_is(start, passwords, nc, irc_client):
    daemon = start("--password-file", passwords("wanda"))
    nc(daemon, "nina")
    wanda = irc_client(daemon, "wanda", password="wanda-secret").look_at_server()
    wanda.say("/whois nina").wait_for_row(r"nina.*nina@localhost").wait_for_row("End of /?WHOIS")
    assert not wanda.rows_like("idle")
    # Oneself alone is shown from where one has come.
    wanda.say("/whois wanda").wait_for_row(r"(actually using host|hostname *:) 127\.0\.0\.1 *$")


def test_which_rooms_there_are(chatd, nc, irc_client):
    nina = nc(chatd, "nina")
    nina.send("/join kitchen\n/topic soup\n")
    nina.line_containing("soup")
    wanda = irc_client(chatd, "wanda").look_at_server().say("/list -yes" if irc_client.kind == "irssi" else "/list")
    wanda.wait_for_row(r"#kitchen.*1.*soup").wait_for_row(r"#lobby.*1")
