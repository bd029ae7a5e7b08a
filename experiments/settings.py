"""params.yaml of a task: what is compared, on what, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from typing_extensions import Self

from edge.errors import EdgeError, first_problem
from pipeline import params
from pipeline.params import Params
from pipeline.reference_nets import NETWORKS, Reference
from pipeline.sections.data import PUBLIC

Overrides = dict[str, dict[str, Any]]  # section of params.yaml -> key -> value


class SettingsError(EdgeError, ValueError):
    """Settings of an experiment that cannot be used."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Arm(_Strict):
    """One thing that is compared: how it differs from the base, and with how many seeds it runs.

    `supernet_of` names another arm whose finished search is read instead of an own one; α is
    uniform then.
    """

    seeds: int = Field(ge=1)
    supernet_of: str | None = None
    overrides: Overrides = {}


class Room(_Strict):
    """How many random networks are trained to see what a search could win, at how many latencies,
    with how many seeds."""

    latencies: int = Field(default=4, ge=1)
    networks: int = Field(default=6, ge=2)  # at each latency
    seeds: int = Field(default=2, ge=2)


class References(_Strict):
    """Hand-designed networks that the families are compared with, by name at some widths."""

    seeds: int = Field(default=1, ge=1)
    widths: Mapping[str, tuple[int, ...]] = {}

    @field_validator("widths")
    @classmethod
    def _known(cls, widths: Mapping[str, tuple[int, ...]]) -> Mapping[str, tuple[int, ...]]:
        unknown = sorted(widths.keys() - NETWORKS.keys())
        if unknown:
            raise ValueError(f"no network {unknown[0]!r}; known: {', '.join(NETWORKS)}")
        return widths

    @property
    def networks(self) -> list[Reference]:
        """All of them."""
        return [Reference(name, width) for name, of in self.widths.items() for width in of]

    @property
    def trainings(self) -> set[tuple[str, int]]:
        """Each of them, by its name, with each seed."""
        return {(str(network), seed) for network in self.networks for seed in range(self.seeds)}


class Arms(_Strict):
    """What is compared: arms, which differ from one params.yaml, the `base`. Seeds count from
    `first_seed`: those before it served to develop what is compared."""

    base: Path
    first_seed: int = Field(default=0, ge=0)
    first: str  # the arm that the others are compared with
    arms: Mapping[str, Arm]

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        named = [self.first, *(arm.supernet_of for arm in self.arms.values() if arm.supernet_of)]
        unknown = [name for name in named if name not in self.arms]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no arm; arms are {', '.join(self.arms)}")
        return self

    @property
    def shared(self) -> Overrides:
        """How all arms differ from the base."""
        return {}

    def seeds_of(self, arm: str) -> range:
        """The seeds that an arm runs with."""
        return range(self.first_seed, self.first_seed + self.arms[arm].seeds)

    def params_of(self, arm: str, seed: int, root: Path = Path()) -> Params:
        """The params.yaml of one cell: the base, what the arm overrides, the seed, the budgets."""
        return Params.model_validate(self.merged(arm, seed, root))

    def own_data(self, root: Path = Path()) -> Path | None:
        """Where the images must lie that nobody can fetch; None for a public data set."""
        data = self.params_of(self.first, 0, root).data
        return None if data.name in PUBLIC or data.path is None else root / data.path

    def merged(self, arm: str, seed: int, root: Path = Path()) -> dict[str, Any]:
        """`params_of` as plain data."""
        data: dict[str, Any] = yaml.safe_load((root / self.base).read_text(encoding="utf-8"))
        seeds: Overrides = {stage: {"seed": seed} for stage in ("search", "extract", "retrain")}
        of_search = self.arms[self.arms[arm].supernet_of or arm].overrides
        for overrides in (seeds, self.shared, of_search, self.arms[arm].overrides):
            for section, values in overrides.items():
                data[section] = {**data.get(section, {}), **values}
        return data


class Settings(Arms):
    """The protocol in numbers. A family is judged by the area under its best accuracy over log
    latency: above `floor`, between the two ends of `span_ms`. `known_before` is what of the results
    was known when the protocol got its present form."""

    budgets_ms: tuple[float, ...] = Field(min_length=1)
    floor: float = Field(ge=0, lt=1)
    span_ms: tuple[float, float]
    margin: float = Field(gt=0, lt=1)  # of the hypervolume: less is a tie
    room: Room = Room()
    references: References = References()
    known_before: str = ""

    @model_validator(mode="after")
    def _span_ascends(self) -> Self:
        low, high = self.span_ms
        if not 0 < low < high:
            raise ValueError(f"span_ms [{low:g}, {high:g}] must ascend from above 0")
        return self

    @property
    def shared(self) -> Overrides:
        return {"extract": {"budgets_ms": list(self.budgets_ms), "points": {}}}


class Ablations(Arms):
    """Arms that are judged in shared weights, and so need no budgets: nothing is trained."""

    common: Overrides = {}

    @property
    def shared(self) -> Overrides:
        return self.common


Kind = TypeVar("Kind", bound=Arms)


def load(path: Path, root: Path = Path()) -> Settings:
    """Read the protocol at `path` below `root`; every cell's params are validated, too. Raises
    SettingsError."""
    return _load(Settings, path, root)


def load_ablations(path: Path, root: Path = Path()) -> Ablations:
    """The same of ablations."""
    return _load(Ablations, path, root)


def _load(kind: type[Kind], path: Path, root: Path) -> Kind:
    try:
        settings = kind.model_validate(yaml.safe_load((root / path).read_text("utf-8")))
    except FileNotFoundError as error:
        raise SettingsError(f"{root / path} does not exist") from error
    except ValidationError as error:
        raise SettingsError(f"{path}: {first_problem(error, 'settings')}") from error
    for arm in settings.arms:
        try:
            settings.params_of(arm, 0, root)
        except (ValidationError, params.ParamsError) as error:
            raise SettingsError(f"{path}: arm {arm!r}: {error}") from error
    return settings
