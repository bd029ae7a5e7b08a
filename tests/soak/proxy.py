"""A network that fails: a TCP proxy that cuts connections and delays what it forwards."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

_CHUNK_BYTES = 16 << 10
_CUT = 0.3  # of all connections, in each direction
_CUT_AFTER_BYTES = (500, 20_000)  # by mean: inside small answers, and inside bodies
_SLOW = 0.3
_MAX_PAUSE_S = 0.05  # before a chunk is forwarded
_REFUSED = 0.05


@dataclass(frozen=True)
class Fate:
    """What becomes of a connection; None lets all bytes of a direction through."""

    refused: bool = False
    requests_bytes: int | None = None
    answers_bytes: int | None = None
    pause_s: float = 0.0


def draw_fate(rng: random.Random) -> Fate:
    """Connections are kept alive, so that a cut is in the middle of any of many calls."""

    def cut_bytes() -> int | None:
        if rng.random() >= _CUT:
            return None
        return int(rng.expovariate(1 / rng.choice(_CUT_AFTER_BYTES)))

    return Fate(
        refused=rng.random() < _REFUSED,
        requests_bytes=cut_bytes(),
        answers_bytes=cut_bytes(),
        pause_s=rng.uniform(0, _MAX_PAUSE_S) if rng.random() < _SLOW else 0.0,
    )


@dataclass
class Proxy:
    """An async context manager that listens at `port` and forwards to `upstream_port`, if any.

    `draw` gives the fate of the next connection. `cuts` counts those that were cut or refused.
    """

    draw: Callable[[], Fate]
    upstream_port: int | None = None
    port: int = 0
    cuts: int = 0
    _server: asyncio.Server = field(init=False)

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _connected(
        self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        fate = self.draw()
        to_hub: asyncio.StreamWriter | None = None
        try:
            if fate.refused or self.upstream_port is None:
                self.cuts += fate.refused
                return
            hub, to_hub = await asyncio.open_connection("127.0.0.1", self.upstream_port)
            pumps = [
                asyncio.create_task(self._pump(client, to_hub, fate.requests_bytes, fate.pause_s)),
                asyncio.create_task(self._pump(hub, to_client, fate.answers_bytes, fate.pause_s)),
            ]
            _, pending = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pending:
                pump.cancel()
        except OSError:
            pass
        finally:
            for writer in (to_client, to_hub):
                if writer is not None:
                    writer.transport.abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        left_bytes: int | None,
        pause_s: float,
    ) -> None:
        """Forward until one side ends, or `left_bytes` went through."""
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                await asyncio.sleep(pause_s)
                if left_bytes is not None and len(chunk) > left_bytes:
                    self.cuts += 1
                    writer.write(chunk[:left_bytes])
                    return
                left_bytes = left_bytes and left_bytes - len(chunk)
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
