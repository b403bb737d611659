"""A relay on Python's `websockets`, as its documentation suggests: what one client sends is broadcast to the others.

    websockets_relay.py PORT
"""

import asyncio
import sys

from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed

clients = set()


async def relay(client):
    clients.add(client)
    try:
        async for message in client:
            broadcast(clients - {client}, message)
    except ConnectionClosed:
        pass  # without a word
    finally:
        clients.remove(client)


async def main():
    async with serve(relay, "127.0.0.1", int(sys.argv[1]), compression=None, backlog=4096) as server:
        await server.serve_forever()


asyncio.run(main())
