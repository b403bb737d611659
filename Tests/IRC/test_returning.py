"""A client of IRC loses its connection, and comes back by itself."""


def test_chatd_is_started_again(start, tmp_path, passwords, nc, irc_client):
    daemon = start("--room-log", str(tmp_path), "--password-file", passwords("wanda"))
    nina = nc(daemon, "nina")
    wanda = irc_client(daemon, "wanda", password="wanda-secret").say("before").wait_for_said("wanda", "before")
    nina.line_containing("before")
    daemon.stop()
    wanda.wait_for_loss()
    daemon.start()
    nina = nc(daemon, "nina")
    nina.send("missed\n")
    wanda.wait_for_said("nina", "missed").wait_for_names("nina", "wanda").say("back again")
    assert nina.line_containing("back again") == "wanda: back again"
