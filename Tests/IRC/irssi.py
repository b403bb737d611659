"""Somebody at irssi."""

import re

from people import AtIRCClient

CONFIGURATION = """
servers = ({{ address = "127.0.0.1"; chatnet = "tea"; port = "{port}"; autoconnect = "yes"; use_tls = "no"; }});
chatnets = {{ tea = {{ type = "IRC"; nick = "{name}"; username = "{name}"; realname = "{name}"; {sasl} }}; }};
channels = ({{ name = "#lobby"; chatnet = "tea"; autojoin = "yes"; }});
"""
STARTUP = """
/set timestamp_format %H:%M:%S
/set cmd_queue_speed 1msec
/set cmds_max_at_once 100
/set server_reconnect_time 1s
/set show_server_time on
"""
TIME = r"\d\d:\d\d:\d\d"


class Irssi(AtIRCClient):
    said = TIME + r" < ?{name}> {text}$"
    action = TIME + r"  \* {name} {text}$"
    joined = TIME + r" -!- {name} \[.*\] has joined #lobby"
    left = TIME + r" -!- {name} \[.*\] has (left|quit) "
    kicked = TIME + r" -!- {name} was kicked from #lobby by {kicker} \[{reason}\]"
    kicked_myself = TIME + r" -!- {name} was kicked from #lobby by {kicker} \[{reason}\]"
    topic = TIME + r" -!- {name} changed the topic of #lobby to: {text}"
    renamed = TIME + r" -!- {old} is now known as {new}$"
    renamed_myself = TIME + r" -!- You're now known as {new}$"
    banned = TIME + r" -!- mode/#lobby \[\+b {mask}\] by {name}"
    unbanned = TIME + r" -!- mode/#lobby \[-b {mask}\] by {name}"

    def __init__(self, port, name, home, password=None):
        folder = home / "irssi"
        folder.mkdir(parents=True)
        sasl = f'sasl_mechanism = "PLAIN"; sasl_username = "{name}"; sasl_password = "{password}";' if password else ""
        (folder / "config").write_text(CONFIGURATION.format(port=port, name=name, sasl=sasl))
        # By default it sends a command every two seconds, and comes back after five minutes. It asks for the times of messages, and shows those
        # at which they came.
        (folder / "startup").write_text(STARTUP)
        super().__init__("irssi", f"--home={folder}", home=home)
        # The room has a window as soon as one is in it.
        self.wait_for_row(r"\[Act: .*2").look_at_lobby().wait_for_event("joined", name=name)

    def wait_for_names(self, *names):
        """Asks for the names until they are these."""
        listed = r"^" + TIME + r" (\[.*\])$"

        def are_there():
            rows = [row for row in self.rows_like(listed) if "[Users" not in row]
            return {name for row in rows for name in re.findall(r"\[.(\S+?)\s*\]", row)} == set(names)

        self.say("/clear").say("/names")
        return self.wait_for(are_there, f"the names {names}")

    def wait_for_loss(self):
        return self.look_at_server().wait_for_row("Connection lost").look_at_lobby()

    def look_at(self, name):
        """Goes to what is said with one person alone."""
        return self.say(f"/window goto {name}")

    def look_at_lobby(self):
        # The client has opened it for what it joins by itself.
        return self.say("/window 2")

    def look_at_server(self):
        return self.say("/window 1")
