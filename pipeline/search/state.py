"""The search's state: what a checkpoint holds and what `extract` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import EdgeError
from models.alpha import Alpha
from models.spaces import Decision, Space
from models.supernet import Supernet
from pipeline import store
from pipeline.params import SearchParams
from pipeline.search.methods import METHODS

RESULT_FILE = Path("results/search/search.pt")


class SearchResultError(EdgeError, ValueError):
    """A search result that is missing or belongs to another space or other parameters."""


@dataclass(frozen=True, eq=False)
class Result:
    """A finished search: shared weights, α(S, κ), and the reference latency of its loss."""

    supernet: Supernet
    alpha: Alpha
    kappa_range: tuple[float, float]
    reference_ms: float


def save(result: Result, space: Space, params: SearchParams, path: Path = RESULT_FILE) -> None:
    """Write a finished search; the file describes itself."""
    content: dict[str, Any] = {
        "search": params.decisive,
        "blocks": _blocks(space),
        "supernet": result.supernet.state_dict(),
        "alpha": result.alpha.state_dict(),
        "kappa_range": list(result.kappa_range),
        "reference_ms": result.reference_ms,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    store.save(path, content)


def load(space: Space, params: SearchParams, path: Path = RESULT_FILE) -> Result:
    """Read `save` back. Raises SearchResultError."""
    content = store.load(path)
    if content is None:
        raise SearchResultError(f"{path} does not exist; make it with: dvc repro search")
    if content["blocks"] != _blocks(space):
        raise SearchResultError(f"{path} belongs to another space; dvc repro -sf search")
    _require_same(content.get("search", {}), params.decisive, path)
    low, high = content["kappa_range"]
    supernet, alpha = Supernet(space), METHODS[params.method].blank(space, params, (low, high))
    supernet.load_state_dict(content["supernet"])
    alpha.load_state_dict(content["alpha"])
    return Result(supernet, alpha, (low, high), content["reference_ms"])


def _require_same(searched: Mapping[str, Any], asked: Mapping[str, Any], path: Path) -> None:
    """Weights of one α may fit into another one, which then says something else."""
    names = sorted(searched.keys() | asked.keys())
    other = [f"search.{name}" for name in names if searched.get(name) != asked.get(name)]
    if other:
        raise SearchResultError(
            f"{path} was searched with another {', '.join(other)}; make it anew with: "
            "dvc repro search"
        )


def _blocks(space: Space) -> list[list[str]]:
    """What every step of a network may be: spaces that differ anywhere differ here."""
    return [
        [block.key for block in step.candidates] if isinstance(step, Decision) else [step.block.key]
        for steps in space.variants.values()
        for step in steps
    ]
