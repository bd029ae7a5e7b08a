"""What the tests of the hub have in common; `made_up` says what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

for package, extra in (("fastapi", "hub"), ("sqlalchemy", "hub"), ("httpx", "agent")):
    pytest.importorskip(package, reason=f"needs the extra {extra}")

if TYPE_CHECKING:
    from tests.edge.hub.made_up import Maker, Party, World
    from tests.edge.hub.postgresql import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    from tests.edge.hub import postgresql

    if reason := postgresql.missing():
        pytest.skip(reason)
    with postgresql.running() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest) -> str | None:
    """The URL of an empty database; None is the hub's own file."""
    if request.param == "sqlite":
        return None
    server: Server = request.getfixturevalue("server")
    return server.database()


@pytest.fixture
def world(tmp_path: Path, database: str | None) -> Iterator[World]:
    from edge.hub.settings import Settings
    from tests.edge.hub.made_up import World

    # The tests write a lot, and no power is cut; test_process.py runs with what a hub has.
    world = World(Settings(tmp_path / "hub", database, synchronous="NORMAL"))
    yield world
    world.hub.close()


@pytest.fixture
def make() -> Maker:
    from tests.edge.hub.made_up import Maker

    return Maker()


@pytest.fixture
def device(world: World) -> Party:
    return world.device()


@pytest.fixture
def operator(world: World) -> Party:
    return world.operator()
