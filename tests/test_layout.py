"""What the layout promises: arrows point one way, and files agree with each other."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from pipeline.__main__ import STAGES
from pipeline.params import Params, load

ROOT = Path(__file__).parents[1]
FORBIDDEN = {"edge": {"models", "pipeline"}, "models": {"pipeline"}}
# The device side does without these, or imports them inside the function that needs them.
HEAVY = {"torch", "torchvision", "onnx", "dvc", "litert_torch", "joblib", "yaml"}
EXTRAS = {
    *("onnxruntime", "ai_edge_litert", "tflite_runtime", "httpx", "stamina"),
    *("fastapi", "starlette", "sqlalchemy", "uvicorn", "jinja2", "markupsafe"),
}
PRESETS = sorted((ROOT / "presets").glob("*.yaml"))


def sources(package):
    return sorted((ROOT / package).rglob("*.py"))


def imported(nodes):
    """Top-level names of what the import statements among `nodes` import."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


def everywhere(path):
    return set(imported(ast.walk(ast.parse(path.read_text()))))


def at_module_level(path):
    """Also inside `if` and `try`, but in no function, and not what type checkers alone see."""
    nodes = [ast.parse(path.read_text())]
    for node in nodes:
        if not (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        ):
            nodes.extend(ast.iter_child_nodes(node))
    return set(imported(nodes))


@pytest.mark.parametrize("package", FORBIDDEN)
def test_arrows_point_one_way(package):
    wrong = {
        str(p): found for p in sources(package) if (found := everywhere(p) & FORBIDDEN[package])
    }
    assert sources(package)
    assert wrong == {}


def test_the_device_side_needs_nothing_heavy():
    wrong = {str(p): found for p in sources("edge") if (found := everywhere(p) & HEAVY)}
    assert wrong == {}


def test_the_device_side_imports_extras_where_they_are_used():
    whole = [ROOT / "edge/hub", ROOT / "edge/agent"]  # are extras as a whole
    files = [path for path in sources("edge") if not set(whole) & set(path.parents)]
    wrong = {str(p): found for p in files if (found := at_module_level(p) & EXTRAS)}
    assert wrong == {}


def test_imports_are_found_wherever_they_stand(tmp_path):
    path = tmp_path / "m.py"
    path.write_text(
        "import a.b\nfrom . import x\ntry:\n  from c import d\nexcept E:\n  pass\n"
        "def f():\n  import g\n"
    )
    assert everywhere(path) == {"a", "c", "g"}
    assert at_module_level(path) == {"a", "c"}


@pytest.mark.parametrize("path", [ROOT / "params.yaml", *PRESETS], ids=lambda path: path.name)
def test_presets_are_valid_and_complete(path):
    load(path)
    assert list(yaml.safe_load(path.read_text())) == list(Params.model_fields)


def test_the_smoke_preset_is_there():
    assert ROOT / "presets/smoke.yaml" in PRESETS


def stages():
    return yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def test_every_stage_names_an_existing_module():
    for name, stage in stages().items():
        (called,) = re.findall(r"python -m pipeline (\S+)", str((stage.get("do") or stage)["cmd"]))
        assert called in STAGES, name
        assert importlib.util.find_spec(STAGES[called][0]), f"{name}: {STAGES[called][0]}"


TIMING = {f"edge/{name}.py" for name in ("bench", "device", "host", "statistics", "verdict")}
NORMALISING = {"pipeline/dataset.py"}  # the moments of the pixels


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("data", {"pipeline/dataset.py", "pipeline/idx.py"}),
        ("profile", {*TIMING, "edge/runtimes", "pipeline/exporter.py"}),
        ("retrain", NORMALISING),
        ("export", {*NORMALISING, "edge/runtimes", "pipeline/batches.py", "pipeline/exporter.py"}),
        ("verify", {*TIMING, "edge/runtimes"}),
    ],
)
def test_stages_depend_on_the_code_that_decides_their_numbers(name, files):
    assert files <= {*stages()[name]["deps"]}
    assert all((ROOT / file).exists() for file in files)


def test_a_data_set_of_another_name_is_exported_again():
    assert {"data.name", "data.path"} <= {*stages()["export"]["params"]}


def test_stages_that_ask_boards_depend_on_how():
    """But `check`, which runs always."""
    files = {name: ROOT / f"{module.replace('.', '/')}.py" for name, (module, _) in STAGES.items()}
    asking = {n for n, p in files.items() if p.exists() and "from pipeline.remote" in p.read_text()}
    assert asking == {"check", "profile", "verify"}
    without = {name for name in asking if "pipeline/remote" not in stages()[name]["deps"]}
    assert without == {"check"}
    assert stages()["check"]["always_changed"]


def test_every_stage_depends_on_its_own_source():
    for name, stage in stages().items():
        module = ROOT / STAGES[name][0].replace(".", "/")
        deps = {ROOT / dep for dep in stage["deps"] if isinstance(dep, str)}
        assert {module, module.with_suffix(".py")} & deps, name
