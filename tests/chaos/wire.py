"""A wire between two processes of one machine that breaks on demand."""

import asyncio
import random
import socket
import struct
import threading

_RESET = struct.pack("ii", 1, 0)  # close at once, with a reset
_PIECE = 16 * 1024


class Wire:
    """Forwards connections to a port, on a thread of its own.

    A direction is `up`, from whoever dialled, or `down`.
    """

    def __init__(self, target):
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._open = {}
        self._delay = 0.0
        self._rate = 0.0  # bytes a second; 0: any
        self._flips = 0
        self._ends = set()
        self._ready = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def stall(self, *directions):
        """Nothing comes through, and nobody is told."""
        for each in directions:
            self._call(self._open[each].clear)

    def slow(self, delay, rate):
        self._delay, self._rate = delay, rate

    def flip(self):
        """One bit of what comes next is another."""
        self._flips = 1

    def cut(self):
        """Resets every connection."""
        self._call(self._reset)

    def heal(self):
        self._delay = self._rate = 0.0
        for each in self._open.values():
            self._call(each.set)

    def close(self):
        self._call(self._reset)
        self._call(self._loop.stop)
        self._thread.join(5)

    def _call(self, what):
        self._loop.call_soon_threadsafe(what)

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
        for each in self._open.values():
            each.set()
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    def _reset(self):
        for each in list(self._ends):
            end = each.get_extra_info("socket")
            if end is not None:
                try:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                except OSError:
                    pass
            each.transport.abort()

    async def _meet(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(
                "127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._ends |= both
        try:
            await asyncio.gather(
                self._pump(reader, far_writer, "up"),
                self._pump(far_reader, writer, "down"))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._ends -= both
            for each in both:
                each.transport.abort()

    async def _pump(self, source, sink, direction):
        while piece := await source.read(_PIECE):
            await self._open[direction].wait()
            wait = self._delay + (len(piece) / self._rate if self._rate else 0)
            if wait:
                await asyncio.sleep(wait)
            if self._flips:
                self._flips = 0
                piece = bytearray(piece)
                piece[random.randrange(len(piece))] ^= 1
            sink.write(piece)
            await sink.drain()
        await self._open[direction].wait()
        if sink.can_write_eof():
            sink.write_eof()
