import subprocess
import sys
from pathlib import Path

import pytest

from edge.family import FORMATS
from edge.runtimes import UnknownRuntime, get_runtime, names, register


def test_a_typo_names_the_nearest_runtime() -> None:
    with pytest.raises(UnknownRuntime, match=r"mean 'onnxruntime'\? allowed: .*onnxruntime"):
        get_runtime("onnxrutime")


def test_every_name_has_its_runtime() -> None:
    assert {"litert", "onnxruntime"} <= set(names())
    assert [get_runtime(name).name for name in names()] == names() == sorted(names())


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="'onnxruntime' is registered already"):
        register(type(get_runtime("onnxruntime")))


def test_a_family_knows_the_format_of_every_runtime() -> None:
    assert {name: get_runtime(name).suffix for name in names()} == {
        name: f".{form}" for name, form in FORMATS.items()
    }


def test_asking_for_the_version_imports_nothing_heavy() -> None:
    code = (
        "import sys; from edge.runtimes import MissingRuntime, get_runtime, names\n"
        "for name in names():\n"
        "    try: get_runtime(name).version()\n"
        "    except MissingRuntime: pass\n"
        "print({'onnxruntime', 'ai_edge_litert', 'tflite_runtime'} & set(sys.modules))"
    )
    here = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("set()\n", "")
