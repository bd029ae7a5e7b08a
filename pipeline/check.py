"""Stage `check`: everything that can go wrong early does so here, before any long work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from edge.device import describe as machine
from edge.errors import EdgeError
from edge.record import Target
from edge.target import make_target
from edge.text import facts, fill, printable
from pipeline import written
from pipeline.accelerator import require_accelerator
from pipeline.cost import estimate
from pipeline.params import Params, TargetParams
from pipeline.remote import BOARDS, LOCAL, Boards, RemoteError
from pipeline.remote.describe import require_hardware
from pipeline.sources import listing
from pipeline.sources.labelled import listed
from pipeline.targets import write as write_targets

_EXPORTERS = {"onnxruntime": "onnxscript", "litert": "litert-torch"}


class MissingExporter(EdgeError, ImportError):
    """The package that makes the model files of a runtime is not installed."""


def run(params: Params, root: Path = Path(), boards: Boards = BOARDS) -> None:
    """Write down the target and what lies at `data.path`, and say what the run will cost.

    Every later measurement belongs to this target: another device or another version of the
    runtime changes the file, and with it what DVC runs again; so do other images of the user's.
    Raises ParamsError where a key that DVC reads is not written, MissingRuntime where the runtime's
    package is not installed, NoAccelerator where `search.device` is not here, RemoteError where
    another board cannot be described, and DataError where the place or the split of the data cannot
    be right.
    """
    written.require(params, root)
    require_accelerator(params.search.device)
    data = listing.outline(params.data, root)
    targets = [
        describe(target, f"targets[{n}]", root, boards) for n, target in enumerate(params.targets)
    ]
    _require_different(targets)
    write_targets(targets, params, root)
    listing.write(params.data, root)
    told = {f"targets[{n}]": str(target) for n, target in enumerate(targets)}
    if data.classes:
        told["classes"] = f"{len(data.classes)}: {listed(data.classes)}"
    print(facts(told | {"cost": str(estimate(params, data))}))
    for doubt in filter(None, [data.doubt, *_crowded(params)]):
        print(fill(f"warning: {doubt}", indent=2))


def describe(
    params: TargetParams, key: str = "targets", root: Path = Path(), boards: Boards = BOARDS
) -> Target:
    """The target on this machine or another board; `key` leads to it in params.yaml.

    Raises MissingRuntime, MissingExporter or RemoteError.
    """
    if params.device == LOCAL:
        target = make_target(params.runtime, params.threads, params.precision)
        require_hardware(target, key)
    else:
        target = boards.describe(params, key, root)
    exporter = _EXPORTERS[params.runtime]
    try:
        metadata.version(exporter)
    except metadata.PackageNotFoundError:
        raise MissingExporter(
            f"{exporter} is not installed, which makes the models of {params.runtime}: "
            "pip install 'edgefacet[pipeline]', or take that runtime out of `targets`"
        ) from None
    return target


def _crowded(params: Params) -> Iterator[str]:
    """What is told of targets here that have more threads than there are cores."""
    cores = machine().cores
    for n, target in enumerate(params.targets):
        if target.device == LOCAL and target.threads > cores:
            yield f"targets[{n}].threads: {target.threads}, but this machine has {cores} cores"


def _require_different(targets: Sequence[Target]) -> None:
    """A table belongs to a target, and so do the latencies in a manifest: none can be of two."""
    for n, target in enumerate(targets):
        if (first := targets.index(target)) < n:
            raise RemoteError(
                f"targets[{n}] and targets[{first}] are the same target, {printable(str(target))}: "
                "two boards of one kind are measured one at a time; take one out of `targets`"
            )
