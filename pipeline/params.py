"""`params.yaml`: all sections, validated at once, with one message that lists every problem."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from edge.errors import EdgeError
from pipeline import yaml_file
from pipeline.problems import did_you_mean, explain
from pipeline.sections.base import Section, setting
from pipeline.sections.data import DataParams
from pipeline.sections.deploy import ExportParams, RetrainParams
from pipeline.sections.extract import ExtractParams, PointParams
from pipeline.sections.measuring import CalibrateParams, ProfileParams, VerifyParams
from pipeline.sections.optimizers import WeightsParams
from pipeline.sections.search import HypernetParams, SamplerParams, SearchParams
from pipeline.sections.space import CellParams, MBConvParams, NB201Params, SpaceParams
from pipeline.sections.target import TargetParams

__all__ = [
    "CalibrateParams",
    "CellParams",
    "DataParams",
    "ExportParams",
    "ExtractParams",
    "HypernetParams",
    "MBConvParams",
    "NB201Params",
    "Params",
    "ParamsError",
    "PointParams",
    "ProfileParams",
    "RetrainParams",
    "SamplerParams",
    "SearchParams",
    "SpaceParams",
    "TargetParams",
    "VerifyParams",
    "WeightsParams",
    "load",
]

PARAMS_FILE = Path("params.yaml")


class ParamsError(EdgeError, ValueError):
    """A params file that cannot be used; the message lists every problem in it."""


class Params(Section):
    """All of params.yaml, one field per section."""

    MOVED: ClassVar[Mapping[str, str]] = {
        "target": "is a list now, `targets`; write: targets: "
        "[{device: local, runtime: onnxruntime, precision: fp32, threads: 1}]"
    }

    targets: tuple[TargetParams, ...] = setting(
        tuple(
            TargetParams(runtime=runtime, precision=precision)
            for precision in ("fp32", "int8")
            for runtime in ("onnxruntime", "litert")
        ),
        "Targets",
    )
    data: DataParams = setting(DataParams(), "Data")
    space: SpaceParams = setting(MBConvParams(), "Search space")
    profile: ProfileParams = setting(ProfileParams(), "Stage `profile`")
    calibrate: CalibrateParams = setting(CalibrateParams(), "Stage `calibrate`")
    search: SearchParams = setting(SearchParams(), "Stage `search`")
    extract: ExtractParams = setting(ExtractParams(), "Stage `extract`")
    retrain: RetrainParams = setting(RetrainParams(), "Stage `retrain`")
    export: ExportParams = setting(ExportParams(), "Stage `export`")
    verify: VerifyParams = setting(VerifyParams(), "Stage `verify`")

    @property
    def target(self) -> TargetParams:
        """What the search and the budgets are about."""
        return self.targets[0]

    @field_validator("targets")
    @classmethod
    def _targets_differ(cls, targets: tuple[TargetParams, ...]) -> tuple[TargetParams, ...]:
        if not targets:
            raise ValueError("name at least one")
        again = {n: targets.index(target) for n, target in enumerate(targets)}
        problems = {n: f"the same as targets[{first}]" for n, first in again.items() if first < n}
        if problems:
            raise PydanticCustomError("targets", "equal targets", {"problems": problems})
        return targets

    @field_validator("search")
    @classmethod
    def _theta_names_operations(cls, search: SearchParams, info: ValidationInfo) -> SearchParams:
        theta = search.sampler.theta
        _require_operations({"sampler.theta": theta} if isinstance(theta, dict) else {}, info)
        return search

    @field_validator("search")
    @classmethod
    def _widths_have_no_gates(cls, search: SearchParams, info: ValidationInfo) -> SearchParams:
        space: SpaceParams | None = info.data.get("space")
        gates = "estimator" not in search.unread and search.estimator != "reinforce-cv"
        if gates and space is not None and space.elastic:
            problem = f"{search.estimator} cannot run two widths at once: write reinforce-cv"
            raise PydanticCustomError(
                "estimator", "no gates for widths", {"problems": {"estimator": problem}}
            )
        return search

    @field_validator("extract")
    @classmethod
    def _points_name_operations(cls, extract: ExtractParams, info: ValidationInfo) -> ExtractParams:
        maps = {f"points.{name}.ops": point.ops for name, point in extract.points.items()}
        _require_operations(maps, info)
        _require_a_rest(maps, info)
        return extract

    @field_validator("extract")
    @classmethod
    def _random_needs_budgets(cls, extract: ExtractParams, info: ValidationInfo) -> ExtractParams:
        search: SearchParams | None = info.data.get("search")
        if search is not None and search.method == "random" and not extract.budgets_ms:
            problem = "random prefers nothing at any point: name a budget, or write auto"
            raise PydanticCustomError("budgets", "no member", {"problems": {"budgets_ms": problem}})
        return extract


def _require_operations(maps: Mapping[str, Mapping[str, float]], info: ValidationInfo) -> None:
    """Every key of `maps` is one of space.operations (unknown while `space` itself is wrong)."""
    space: SpaceParams | None = info.data.get("space")
    if space is None:
        return
    problems = {
        f"{where}.{op}": f"not in space.operations{did_you_mean(op, space.operations)}; "
        f"allowed: {', '.join(space.operations)}"
        for where, ops in maps.items()
        for op in ops
        if op not in space.operations
    }
    if problems:
        raise PydanticCustomError("operations", "unknown operations", {"problems": problems})


def _require_a_rest(maps: Mapping[str, Mapping[str, float]], info: ValidationInfo) -> None:
    """Shares of all of space.operations leave nobody the rest: they sum to one."""
    space: SpaceParams | None = info.data.get("space")
    if space is None:
        return
    problems = {
        where: f"the shares of all operations sum to {math.fsum(ops.values()):g}, not to 1; leave "
        "one out, and it takes the rest"
        for where, ops in maps.items()
        if set(ops) == set(space.operations) and math.fsum(ops.values()) < 1 - 1e-9
    }
    if problems:
        raise PydanticCustomError("shares", "shares without a rest", {"problems": problems})


def load(path: Path = PARAMS_FILE) -> Params:
    """Read and validate a params file. Raises ParamsError that lists every problem in it."""
    try:
        data: Any = yaml_file.read(path)
    except FileNotFoundError as error:
        raise ParamsError(f"{path} does not exist; run from the project's root") from error
    except yaml_file.WrittenTwice as error:
        raise ParamsError(f"{path}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ParamsError(f"{path} is not YAML: {error}") from error
    try:
        return Params.model_validate({} if data is None else data)
    except ValidationError as error:
        raise ParamsError(explain(error, data, Params, str(path))) from error
