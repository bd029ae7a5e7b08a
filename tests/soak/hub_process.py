"""The hub as a process, as `facet hub serve` runs it, on a free port."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from edge.hub.serve import Listening, serve
from edge.hub.settings import Settings

POLL_S = 60.0  # of the boards' hurried time


def run(folder: Path, told: Connection) -> None:
    """Serve until killed; `told` gets the port when calls can come in."""
    settings = Settings(folder, poll_s=POLL_S)
    serve(settings, Listening(port=0), lambda url: told.send(int(url.rpartition(":")[2])))
