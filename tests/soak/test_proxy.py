"""A network that fails as it is told to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.soak.proxy import Fate, Proxy, draw_fate

WORDS = b"0123456789" * 10
Call = Callable[[], Awaitable[bytes]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(1000):
        writer.write(chunk)
    writer.close()


@asynccontextmanager
async def network(*fates: Fate) -> AsyncIterator[tuple[Proxy, Call]]:
    """A proxy in front of an echo, and a call that sends `WORDS` and gives what comes back."""
    hub = await asyncio.start_server(echo, "127.0.0.1", 0)
    drawn = iter(fates)
    async with hub, Proxy(lambda: next(drawn), hub.sockets[0].getsockname()[1]) as proxy:

        async def call() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(WORDS)
            came = b""
            try:
                while len(came) < len(WORDS) and (chunk := await reader.read(1000)):
                    came += chunk
            except ConnectionError:
                pass
            finally:
                writer.transport.abort()
            return came

        yield proxy, call


def test_without_faults_all_passes() -> None:
    async def run() -> None:
        async with network(Fate(), Fate(pause_s=0.01)) as (proxy, call):
            assert await call() == WORDS
            assert await call() == WORDS
            assert proxy.cuts == 0

    asyncio.run(run())


@pytest.mark.parametrize("fate", [Fate(requests_bytes=33), Fate(answers_bytes=33)])
def test_a_cut_is_in_the_middle_of_a_request_or_an_answer(fate: Fate) -> None:
    async def run() -> None:
        async with network(fate) as (proxy, call):
            came = await call()
            assert len(came) < len(WORDS)
            assert came == WORDS[: len(came)]
            assert proxy.cuts == 1

    asyncio.run(run())


def test_a_connection_is_refused_or_the_hub_is_away() -> None:
    async def run() -> None:
        async with network(Fate(refused=True), Fate()) as (proxy, call):
            assert await call() == b""
            proxy.upstream_port = None
            assert await call() == b""
            assert proxy.cuts == 1  # the other one is the hub's

    asyncio.run(run())


def test_the_same_seed_is_the_same_network_and_most_of_it_works() -> None:
    drawn = [draw_fate(random.Random(3)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    rng = random.Random(1)
    fates = [draw_fate(rng) for _ in range(1000)]
    unharmed = sum(not f.refused and f.requests_bytes is f.answers_bytes is None for f in fates)
    assert unharmed == pytest.approx(1000 * 0.95 * 0.7 * 0.7, rel=0.1)
