"""The wheel with one runtime alone: load, pick and call, in an environment of its own.

Marked `environments`: each of the three is made by pip, without torch, onnx or the other runtimes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge import runnable

ROOT = Path(__file__).parents[2]
EXTRAS = {  # of pyproject.toml: (runtime, package, newest Python)
    "onnx": ("onnxruntime", "onnxruntime", None),
    "litert": ("litert", "ai-edge-litert", None),
    "tflite": ("litert", "tflite-runtime", (3, 11)),
}
APPLICATION = """
import json, sys
import numpy as np
from edge import Family

with Family.load(sys.argv[1]).pick(budget_ms=1e3) as model:
    answers = [int(model(np.roll([[255, 0], [0, 0]], n).astype(np.uint8)).argmax()) for n in (0, 1)]
    told = {
        "answers": answers,
        "runtime": model.target.runtime,
        "name": model.name,
        "numpy": np.__version__,
        "foreign": sorted({"torch", "onnx", "dvc", "PIL"} & set(sys.modules)),
    }
print(json.dumps(told))
"""

# A PYTHONPATH with this checkout on it would be taken for an installed edgefacet.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

pytestmark = pytest.mark.environments


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*pip, ROOT], check=True)
    (found,) = folder.glob("edgefacet-*.whl")
    return found


def environment(folder: Path, wheel: Path, extra: str) -> Path:
    """The Python of a new environment with the wheel and one of its extras."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin/python"
    pip = [python, "-m", "pip", "install", "--quiet", "--no-input"]
    subprocess.run([*pip, f"{wheel}[{extra}]"], check=True, env=ENVIRONMENT)
    return python


@pytest.mark.parametrize("extra", EXTRAS)
def test_one_runtime_is_enough(extra: str, wheel: Path, tmp_path: Path) -> None:
    runtime, package, newest = EXTRAS[extra]
    if newest and sys.version_info[:2] > newest:
        pytest.skip(f"{package} has no wheel for Python {sys.version_info.minor}")
    runnable.family(tmp_path / "family", "onnxruntime", "litert")
    python = environment(tmp_path / "env", wheel, extra)
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json"],
        capture_output=True,
        check=True,
        env=ENVIRONMENT,
    )
    installed = {one["name"].lower() for one in json.loads(listed.stdout)}
    assert package in installed
    others = {p for _, p, _ in EXTRAS.values()} - {package}
    assert installed & {*others, "torch", "onnx", "dvc"} == set()
    done = subprocess.run(
        [python, "-c", APPLICATION, tmp_path / "family"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["answers"], told["runtime"], told["name"]) == ([0, 1], runtime, "large")
    assert told["foreign"] == []
    if extra == "tflite":
        assert told["numpy"].startswith("1.")
    facet = python.parent / "facet"
    for command in (["family", "verify"], ["pick", "--budget-ms", "9", "--device", "core"]):
        answered = subprocess.run(
            [facet, *command, "--family", tmp_path / "family"],
            capture_output=True,
            check=False,
            env=ENVIRONMENT,
        )
        assert answered.returncode == 0, answered.stderr
