"""What was said before somebody came with a client of IRC."""

import re
import time


def test_it_comes_with_its_times(chatd, nc, irc_client):
    nina = nc(chatd, "nina")
    before = time.time()
    nina.send("said before\n/me waved\n/who\n")
    nina.line_containing("in lobby")
    after = time.time()
    # So that it can be told from the time at which it comes.
    time.sleep(1)
    wanda = irc_client(chatd, "wanda").wait_for_said("nina", "said before").wait_for_action("nina", "waved")
    times = [time.strftime("%H:%M:%S", time.gmtime(second)) for second in range(int(before), int(after) + 1)]
    for picture, text in (("said", "said before"), ("action", "waved")):
        [row] = wanda.rows_like(wanda.pattern(picture, name="nina", text=text))
        assert re.search(r"\d\d:\d\d:\d\d", row).group() in times
    nina.send("said now\n")
    wanda.wait_for_said("nina", "said now")
    shown = wanda.text()
    assert shown.index("said before") < shown.index("waved") < shown.index("said now")
    assert shown.count("said before") == 1


def test_it_leads_nobody_to_a_wrong_host(start, passwords, nc, irc_client):
    daemon = start("--password-file", passwords(operators=["wanda"]))
    nina = nc(daemon, "nina")
    nina.send("said before\n/who\n")
    nina.line_containing("in lobby")
    wanda = irc_client(daemon, "wanda", password="wanda-secret").wait_for_said("nina", "said before")
    # The client makes the mask from the host that it has last seen nina's messages come from.
    wanda.say("/ban nina").wait_for_row(r"\[?\+b \*!\*?nina@localhost\]?")
    nina.send("may I?\n")
    nina.line_containing("! you are banned from lobby")
