"""A real hub and a real agent, each a process of this machine."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager

from pipeline import check
from pipeline.remote import Boards, RemoteError

FACET = [sys.executable, "-c", "from edge.cli import main; main()"]
PATIENCE_S = 120


@contextmanager
def process(*arguments, **more):
    environ = os.environ | {"PYTHONUNBUFFERED": "1"}
    running = subprocess.Popen([*FACET, *map(str, arguments)], text=True, env=environ, **more)
    try:
        yield running
    finally:
        running.kill()
        running.wait()
        if running.stdout is not None:
            running.stdout.close()


class Lab:
    """A folder with a hub, an agent and what they keep, and how to reach them."""

    def __init__(self, root):
        self.root, self.port = root, 0
        for command, name in (("add-device", "board"), ("add-operator", "operator")):
            (root / name).write_text(self.facet(command, name)["token"])

    def facet(self, *arguments):
        command = [*FACET, "hub", *arguments, "--state", str(self.root / "hub"), "--json"]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    @contextmanager
    def serving(self):
        """The hub; the end is SIGKILL."""
        serve = ("hub", "serve", "--port", self.port, "--state", self.root / "hub")
        with process(*serve, stdout=subprocess.PIPE) as hub:
            self.port = int(hub.stdout.readline().rpartition(":")[2].strip("/\n"))
            yield

    @contextmanager
    def running(self):
        """Both; the end is SIGKILL."""
        agent = ("agent", "run", "--token-file", self.root / "board")
        state = ("--state", self.root / "agent", "--idle-poll", "0.2")
        with (
            self.serving(),
            process(*agent, "--hub", self.url, *state, stderr=subprocess.DEVNULL),
        ):
            yield

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self):
        """What leads a stage to this hub."""
        return {
            "EDGEFACET_HUB": self.url,
            "EDGEFACET_HUB_TOKEN_FILE": str(self.root / "operator"),
        }

    def boards(self, sleep=time.sleep):
        return Boards(environ=self.environ, sleep=sleep, poll_s=0.2)

    def described(self, params):
        """The target that the board is, as soon as it has called."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return check.describe(params, "targets[0]", self.root, self.boards())
            except RemoteError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
