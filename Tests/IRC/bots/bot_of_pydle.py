"""A bot made with the library pydle: `bot_of_pydle.py PORT NAME PASSWORD`."""

import asyncio
import sys

import pydle


class Bot(pydle.Client):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.past = []

    async def is_wanted(self, _):
        return True

    on_capability_server_time_available = on_capability_batch_available = is_wanted
    on_capability_draft_chathistory_available = is_wanted

    async def on_connect(self):
        await super().on_connect()
        await self.join("#lobby")

    async def on_disconnect(self, expected):
        # The library's own tries once.
        while not expected:
            try:
                return await self.connect(reconnect=True)
            except OSError:
                await asyncio.sleep(0.2)

    async def on_raw_366(self, message):
        await super().on_raw_366(message)
        self.past = []
        await self.rawmsg("CHATHISTORY", "LATEST", "#lobby", "*", "50")

    async def on_raw_batch(self, message):
        if message.params[0].startswith("-"):
            last = self.past[-1] if self.past else "nothing"
            await self.message("#lobby", f"I know of {len(self.past)}, the last of which is {last}")

    async def on_raw_privmsg(self, message):
        # The library does not tell its bots of the tags.
        if "batch" in message.tags:
            name = message.source.partition("!")[0]
            self.past.append(f"{name}'s {message.params[1]!r} of {message.tags['time']}")
        else:
            await super().on_raw_privmsg(message)

    async def on_channel_message(self, target, by, text):
        if text == "!names":
            await self.message(target, "here are " + " ".join(sorted(self.channels["#lobby"]["users"])))

    async def on_ctcp_action(self, by, target, contents):
        if by != self.nickname:
            await self.ctcp(target, "ACTION", f"sees {by}, who {contents}")

    async def on_private_message(self, target, by, text):
        if by != self.nickname:
            await self.message(by, f"to you alone: {text}")


port, name, password = sys.argv[1:]
Bot(name, sasl_username=name, sasl_password=password).run("127.0.0.1", int(port))
