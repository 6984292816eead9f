"""Listens to a Subscription over a websocket; says each message on a line.

socket.py URL TOKEN N: ends after N messages.
"""

import asyncio
import sys

import websockets

url, token, n = sys.argv[1], sys.argv[2], int(sys.argv[3])


async def listen():
    async with websockets.connect(url) as socket:
        await socket.send(f"bind-with-token: {token}")
        for _ in range(n):
            print(await asyncio.wait_for(socket.recv(), 60), flush=True)


asyncio.run(listen())
