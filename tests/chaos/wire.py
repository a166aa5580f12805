"""A wire between two processes of one machine that breaks on demand."""

import asyncio
import random
import socket
import struct
import threading

_RESET = struct.pack("ii", 1, 0)  # close at once, with a reset
_PIECE = 16 * 1024


class _Connection:
    def __init__(self, near, far):
        self.writers = (near, far)
        self.open = asyncio.Event()
        self.open.set()

    def reset(self):
        for each in self.writers:
            end = each.get_extra_info("socket")
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            except (AttributeError, OSError):
                pass  # it has ended
            each.transport.abort()


class Wire:
    """Forwards connections to a port, on a thread of its own.

    A direction is `up`, from whoever dialled, or `down`.
    """

    def __init__(self, target):
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._open = {}  # by direction, for all connections
        self._delay = 0.0
        self._rate = 0.0  # bytes a second; 0: any
        self._flips = False
        self._connections = []
        self._ready = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def stall(self, *directions):
        """Nothing comes through, and nobody is told."""
        for each in directions:
            self._call(self._open[each].clear)

    def choke(self):
        """The same, for one of its connections."""
        self._call(lambda: self._one(lambda x: x.open.clear()))

    def slow(self, delay, rate):
        self._delay, self._rate = delay, rate

    def flip(self):
        """One bit of what comes next is another."""
        self._flips = True

    def cut(self):
        """Resets every connection."""
        self._call(self._reset)

    def cut_one(self):
        self._call(lambda: self._one(_Connection.reset))

    def heal(self):
        self._delay = self._rate = 0.0
        self._call(self._unblock)

    def close(self):
        self._call(self._reset)
        self._call(self._loop.stop)
        self._thread.join(5)

    def _call(self, what):
        self._loop.call_soon_threadsafe(what)

    def _one(self, what):
        if self._connections:
            what(random.choice(self._connections))

    def _reset(self):
        for each in list(self._connections):
            each.reset()

    def _unblock(self):
        for each in self._open.values():
            each.set()
        for each in self._connections:
            each.open.set()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _listen(self):
        self._open = {"up": asyncio.Event(), "down": asyncio.Event()}
        self._unblock()
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _meet(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(
                "127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        made = _Connection(writer, far_writer)
        self._connections.append(made)
        try:
            await asyncio.gather(
                self._pump(made, reader, far_writer, "up"),
                self._pump(made, far_reader, writer, "down"))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._connections.remove(made)
            for each in made.writers:
                each.transport.abort()

    async def _pump(self, of, source, sink, direction):
        while piece := await source.read(_PIECE):
            await self._pass(of, direction)
            wait = self._delay + (len(piece) / self._rate if self._rate else 0)
            if wait:
                await asyncio.sleep(wait)
            if self._flips:
                self._flips = False
                piece = bytearray(piece)
                piece[random.randrange(len(piece))] ^= 1
            sink.write(piece)
            await sink.drain()
        await self._pass(of, direction)
        if sink.can_write_eof():
            sink.write_eof()

    async def _pass(self, of, direction):
        await self._open[direction].wait()
        await of.open.wait()
