"""What a Raspberry Pi does by hand and for a hub, on an emulated one: 64-bit Arm, the board's CPU.

`make test-aarch64` builds what this needs. Speed is not tested: an emulator has none.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.bundle import read
from edge.cli import main
from edge.hub_access import HubAccess
from edge.record import read as read_records
from edge.wheels import EXTRAS, run_pip
from tests.aarch64.family import write_family
from tests.pipeline.remote.lab import Lab

pytestmark = pytest.mark.aarch64

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DATA = ROOT / "tests/edge/data"
FOLDER = ROOT / "build/aarch64"  # where prepare.sh puts it
CPUS = {"pi4": "cortex-a72", "pi5": "cortex-a76"}  # by the name of a tree in data/sysroots
RUNTIMES = ("onnxruntime", "litert")
QUICK = ("--blocks", 3, "--min-time", 0.05)
GLIBC = ("manylinux_2_28", "manylinux_2_27", "manylinux2014")
FACET = "import os; os.chdir('/mnt'); from edge.cli import main; main(prog_name='facet')"


@dataclass(frozen=True)
class Board:
    """An emulated board, which sees the folder `shared` of this machine as /mnt."""

    name: str
    shared: Path

    def facet(self, *arguments: object, exits: int = 0) -> str:
        """What the command prints there; its folder is /mnt."""
        environment = {
            **os.environ,
            "ROOT": str(FOLDER / "root"),
            "QEMU_CPU": CPUS[self.name],
            "CPUINFO": str(DATA / "sysroots" / self.name / "proc/cpuinfo"),
            "SHARED": str(self.shared),
        }
        command = ["bash", str(HERE / "enter.sh"), "python3", "-c", FACET, *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == exits, done.stdout + done.stderr
        return done.stdout


def facet(*arguments: object, exits: int = 0) -> str:
    """What the command prints on this machine."""
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exit_code == exits, result.output
    return result.output


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as after the first steps of docs/bundle.md: a bundle per runtime, its wheels
    installed. pip runs on this machine, which takes seconds in place of a minute."""
    if not (FOLDER / "root/.whole").exists() or (FOLDER / "cannot").exists():
        why = FOLDER / "cannot"
        pytest.skip(why.read_text().strip() if why.exists() else "make test-aarch64 builds it")
    folder = tmp_path_factory.mktemp("shared")
    shutil.copytree(DATA / "sysroots", folder / "sysroots", symlinks=True)
    write_family(folder / "family")
    dist = tmp_path_factory.mktemp("dist")
    assert run_pip(["wheel", "--no-deps", "--wheel-dir", str(dist), str(ROOT)]).returncode == 0
    for runtime in RUNTIMES:
        out = folder / f"{runtime}.zip"
        what = ("--family", folder / "family", "--runtime", runtime, *QUICK)
        wheels = ("--wheels", dist, "--fetch-wheels", "aarch64:3.11")
        facet("bundle", "create", *what, *wheels, "--out", out)
        shutil.unpack_archive(out, folder / runtime)
        install(folder / runtime / "wheels", EXTRAS[runtime], folder)
    return folder


def install(wheels: Path, extra: str, folder: Path) -> None:
    """By the wheels of the bundle alone: pip asks no index."""
    pip_install(folder, "--no-index", "--find-links", str(wheels), f"edgefacet[{extra}]")


def pip_install(folder: Path, *what: str) -> None:
    """For the board."""
    where = ["--target", str(folder / "site"), "--upgrade", "--no-compile", "--only-binary=:all:"]
    platforms = [f"--platform={glibc}_aarch64" for glibc in GLIBC]
    board = [*platforms, "--python-version=3.11", "--implementation=cp"]
    done = run_pip(["install", "-q", *where, *board, *what])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", CPUS)
def test_it_says_what_it_is_and_what_a_real_one_is(name: str, shared: Path) -> None:
    board = Board(name, shared)
    here = json.loads(board.facet("info", "--json"))
    assert here["device"].endswith(", 4 cores, aarch64, emulated")
    assert all(of["version"] and not of["problem"] for of in here["runtimes"].values())
    tree = json.loads(board.facet("info", "--sysroot", f"sysroots/{name}", "--json"))
    assert tree["device"].startswith(f"Raspberry Pi {name[-1]} Model B")
    assert tree["device"].endswith(", 4 cores, aarch64, raspberry-pi")


@pytest.mark.parametrize("name", CPUS)
def test_it_measures_any_model_and_tells_what_fails(name: str, shared: Path) -> None:
    (shared / "broken.onnx").write_bytes(b"no model")
    models, out = ("family/m.onnx", "family/m.tflite", "broken.onnx"), f"{name}.jsonl"
    told = json.loads(
        Board(name, shared).facet("measure", *models, *QUICK, "--out", out, "--json", exits=4)
    )
    assert [(of["name"], of["kind"]) for of in told["failed"]] == [("broken.onnx", "rejected")]
    records = read_records(shared / out)
    assert [record.target.runtime for record in records] == list(RUNTIMES)
    assert all(len(record.samples_ns) == 3 for record in records)


@pytest.mark.parametrize(("name", "runtime"), list(zip(CPUS, RUNTIMES, strict=True)))
def test_a_bundle_goes_there_and_its_report_comes_back(
    name: str, runtime: str, shared: Path, tmp_path: Path
) -> None:
    order = read(shared / f"{runtime}.zip").order
    out = f"{name}-{runtime}.jsonl"
    told = json.loads(
        Board(name, shared).facet("measure", f"{runtime}.zip", "--out", out, "--json")
    )
    assert (told["order"], told["failures"]) == (order.id, None)
    (record,) = read_records(shared / out)
    assert record.subject == order.models[0].subject
    # The times are those of an emulator: they come back, and correct nothing.
    answer = facet("feedback", "add", shared / out, "--measurements", tmp_path / "m", exits=1)
    assert "refused: was not measured on hardware: " in " ".join(answer.split())
    assert not (tmp_path / "m").exists()


def test_an_agent_there_measures_for_a_hub_here(shared: Path, tmp_path: Path) -> None:
    """One CPU will do: what a processor can is the affair of the runtimes, which both ran above."""
    pip_install(shared, "httpx>=0.27")  # all that the extra `agent` asks for
    bundled = read(shared / "onnxruntime.zip")
    lab = Lab(tmp_path)
    shutil.copy(tmp_path / "board", shared / "token")
    with lab.serving(), HubAccess(lab.url, tmp_path / "operator").open() as hub:
        with bundled.models() as files:
            for sha256, path in files.items():
                hub.upload(sha256, path)
        hub.submit("board", bundled.order)
        agent = ("agent", "run", "--hub", lab.url, "--token-file", "token", "--state", "agent")
        Board("pi4", shared).facet(*agent, "--once")
        status = hub.status("board", bundled.order.id)
        assert (status.state, status.measured, status.failures) == ("done", 1, ())
        (device,) = hub.devices().devices
        assert device.heartbeat is not None
        assert device.heartbeat.device.endswith(", 4 cores, aarch64, emulated")
        where = ("--hub", lab.url, "--token-file", tmp_path / "operator")
        told = facet("feedback", "pull", *where, "--measurements", tmp_path / "m", exits=1)
    assert "refused: was not measured on hardware: " in " ".join(told.split())
    assert list((tmp_path / "m").glob("*.jsonl")) == []
