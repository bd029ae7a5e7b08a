"""A worker with one more runtime, whose model files are a word: what a run does."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edge.runtimes import ModelRejected, register
from edge.worker import main


class FakeSession:
    provider = "fake"

    def __init__(self, word: str) -> None:
        self._word = word
        self._runs = 0

    def feeds(self, seed: int) -> Mapping[str, Any]:
        return {"x": np.full(1, seed)}

    def run(self, _feeds: object) -> list[Any]:
        self._runs += 1
        if self._word == "hang":
            time.sleep(60)
        if self._word == "kill" and self._runs > 30:  # after the warm-up, inside a block
            print("about to fall over", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        if self._word == "hungry":
            raise MemoryError
        if self._word == "greedy":
            bytearray(6 << 30)  # the protocol allows 4 GiB
        if self._word == "chatty":
            print("this is no JSON")
        return []


@register
class FakeRuntime:
    name = "fake"
    suffix = ".fake"
    provider = "fake"
    install = "nothing"

    def version(self) -> str:
        return "1"

    def prepare(self) -> None:
        pass

    def refuse_other_files(self, path: Path) -> None:
        if path.read_text().startswith("nosy"):
            raise ModelRejected("fake reads no other file")

    def load(self, path: Path, _threads: int) -> FakeSession:
        word = path.read_text().split()[0]
        if word == "broken":
            raise ModelRejected("fake refuses this")
        session = FakeSession(word)
        if word == "elsewhere":
            session.provider = "gpu"
        return session


if __name__ == "__main__":
    main()
