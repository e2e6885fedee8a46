#!/usr/bin/env python3
"""A line with latency: passes TCP on, each way half of a round trip later, in order and without limiting how much.

usage: delay_proxy.py LISTEN_PORT TARGET_PORT ROUND_TRIP_MS
"""

import asyncio
import contextlib
import sys


class Half(asyncio.Protocol):
    """One side of a connection: what it hears, the other side says later."""

    def __init__(self, delay):
        self.delay, self.other, self.transport, self.waiting = delay, None, None, []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.later(lambda other: other.write(data))

    def eof_received(self):
        self.later(end_writing)
        return True

    def connection_lost(self, _error):
        self.later(lambda other: other.close())

    def later(self, act):
        if self.other is None:
            self.waiting.append(act)
            return
        asyncio.get_running_loop().call_later(self.delay, lambda: self.other.transport.is_closing() or act(self.other.transport))

    def join(self, other):
        self.other = other
        for act in self.waiting:
            self.later(act)
        self.waiting.clear()


def end_writing(transport):
    # It may have gone meanwhile.
    with contextlib.suppress(OSError):
        transport.write_eof()


async def main(listen, target, round_trip_ms):
    delay, loop = round_trip_ms / 2000, asyncio.get_running_loop()
    joining = set()

    def accept():
        near = Half(delay)

        async def reach():
            _, far = await loop.create_connection(lambda: Half(delay), "127.0.0.1", target)
            far.join(near)
            near.join(far)

        task = loop.create_task(reach())
        joining.add(task)
        task.add_done_callback(joining.discard)
        return near

    server = await loop.create_server(accept, "127.0.0.1", listen, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
