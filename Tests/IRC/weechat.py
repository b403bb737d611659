"""Somebody at WeeChat."""

import re

from people import AtIRCClient

TIME = r"\d\d:\d\d:\d\d"


class WeeChat(AtIRCClient):
    said = TIME + r" +{name} \| {text} *(│|$)"
    action = TIME + r" +\* \| {name} {text} *│"
    joined = TIME + r" +--> \| {name} .*has joined #lobby"
    left = TIME + r" +<-- \| {name} .*has (left|quit)"
    kicked = TIME + r" +<-- \| {kicker} has kicked {name} \({reason}\)"
    kicked_myself = kicked
    topic = TIME + r' +-- \| {name} has changed topic for #lobby .*to "{text}"'
    renamed = TIME + r" +-- \| {old} is now known as {new} "
    renamed_myself = TIME + r" +-- \| You are now known as {new} "
    banned = TIME + r" +-- \| Mode #lobby \[\+b {mask}\] by {name} "
    unbanned = TIME + r" +-- \| Mode #lobby \[-b {mask}\] by {name} "

    def __init__(self, port, name, home, password=None):
        sasl = f" -sasl_mechanism=plain -sasl_username={name} -sasl_password={password}" if password else ""
        commands = [
            "/set weechat.startup.display_logo off", "/set weechat.startup.display_version off",
            # Two lines that are typed at once are not taken for pasted ones, about which it asks.
            "/set weechat.look.paste_max_lines -1",
            # All joins and parts are shown, and what others say goes where nobody looks.
            "/set irc.look.smart_filter off", "/bar hide buflist", "/set weechat.look.prefix_align_max 12",
            f"/server add tea 127.0.0.1/{port} -notls -nicks={name} -username={name} -realname={name} -autojoin=#lobby"
            f" -autoreconnect_delay=1{sasl}",
            "/connect tea",
        ]
        runs = [argument for command in commands for argument in ("-r", command)]
        super().__init__("weechat", "-d", f"{home}/weechat", *runs, home=home)
        self.wait_for_event("joined", name=name)

    def names(self):
        """Those in the bar of names."""
        bars = [row.rpartition("│") for row in self.rows()]
        return {name.strip() for _, bar, name in bars if bar} - {""}

    def wait_for_names(self, *names):
        return self.wait_for(lambda: self.names() == set(names), f"the names {names}")

    def wait_for_loss(self):
        return self.wait_for_row(r"irc: (disconnected from server|reconnecting)")

    def look_at(self, name):
        """Goes to what is said with one person alone."""
        return self.say(f"/buffer irc.tea.{name}")

    def look_at_lobby(self):
        return self.say("/buffer irc.tea.#lobby")

    def look_at_server(self):
        return self.say("/buffer irc.server.tea")
