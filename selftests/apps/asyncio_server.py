#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""asyncio_server.py ADDRESS PORT BACKLOG: echoes on many connections at once."""
import asyncio
import resource
import sys

address, port, backlog = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


async def echo(reader, writer):
    while True:
        data = await reader.read(65536)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(echo, address, port, backlog=backlog)
    await server.serve_forever()


resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
asyncio.run(main())
