"""A server of PostgreSQL for the tests: its own cluster in a temporary folder, on no port."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")  # a folder per version, none of them on the path
_QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@dataclass(frozen=True)
class Server:
    """One that runs, reached by a socket in `folder`."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def database(self) -> str:
        """The URL of another empty database; a schema is one, and is made faster."""
        from sqlalchemy import create_engine, text

        url = f"postgresql+psycopg://postgres@/postgres?host={self.folder}"
        name = f"test_{next(self._numbers)}"
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        engine.dispose()
        return f"{url}&options=-csearch_path%3D{name}"


def missing() -> str | None:
    """Why there can be no server here, or None."""
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed: pip install 'psycopg[binary]'"
    if _binaries() is None:
        return "no server of PostgreSQL is installed (package postgresql)"
    return None


@contextmanager
def running() -> Iterator[Server]:
    """A server, as long as this is open; `missing` says that it can start."""
    binaries = _binaries()
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="edgefacet-postgresql-"))
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    if user:
        shutil.chown(folder, user)

    def call(program: str, *arguments: str) -> None:
        command = [str(binaries / program), "-D", str(folder / "data"), *arguments]
        log = folder / "log"
        with log.open("ab") as out:
            done = subprocess.run(command, stdout=out, stderr=out, user=user, cwd=folder)
        assert done.returncode == 0, log.read_text()

    try:
        call("initdb", "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        call("pg_ctl", "start", "-w", "-o", f"-k {folder} -c listen_addresses= {_QUICK}")
        try:
            yield Server(folder)
        finally:
            call("pg_ctl", "stop", "-w", "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path | None:
    folders = sorted(_DEBIAN.glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).parent] if on_path else []
    return next((path for path in folders if (path / "pg_ctl").exists()), None)
