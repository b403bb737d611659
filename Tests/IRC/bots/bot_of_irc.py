"""A bot made with the library irc: `bot_of_irc.py PORT NAME PASSWORD`."""

import sys

import irc.bot


class Bot(irc.bot.SingleServerIRCBot):
    def __init__(self, port, name, password):
        # It waits for a minute by default.
        recon = irc.bot.ExponentialBackoff(min_interval=1, max_interval=1)
        super().__init__([("127.0.0.1", port, password)], name, name, recon=recon, sasl_login=name)
        self.past = []

    def on_welcome(self, connection, _):
        connection.cap("REQ", "server-time", "batch", "message-tags", "draft/chathistory")

    def on_cap(self, connection, event):
        if event.arguments[0] == "ACK" and "chathistory" in event.arguments[1]:
            connection.join("#lobby")

    def on_endofnames(self, connection, _):
        self.past = []
        connection.send_raw("CHATHISTORY LATEST #lobby * 50")

    def on_batch(self, connection, event):
        if event.target.startswith("-"):
            connection.privmsg("#lobby", f"I know of {len(self.past)}, the last of which is {self.past[-1] if self.past else 'nothing'}")

    def on_pubmsg(self, connection, event):
        text = event.arguments[0]
        tags = {tag["key"]: tag["value"] for tag in event.tags}
        if "batch" in tags:
            self.past.append(f"{event.source.nick}'s {text!r} of {tags['time']}")
        elif text == "!names":
            # What the library has made of the names, and of who has come and gone since.
            connection.privmsg("#lobby", "here are " + " ".join(sorted(self.channels["#lobby"].users())))

    def on_action(self, connection, event):
        connection.action(event.target, f"sees {event.source.nick}, who {event.arguments[0]}")

    def on_privmsg(self, connection, event):
        connection.privmsg(event.source.nick, f"to you alone: {event.arguments[0]}")


Bot(int(sys.argv[1]), *sys.argv[2:]).start()
