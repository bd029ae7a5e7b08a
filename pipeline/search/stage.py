"""Stage `search`: warm up the shared weights, find the range of prices, then train the weights and
α in turn, each on images of its own unless `search.level` is `single`."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from dvclive.live import Live
from lightning_fabric import Fabric

import models
from edge import nb201, spec
from edge.files import sha256_of
from edge.table import Table
from models.spaces import Space
from pipeline import batches, dataset, metrics, plots, seeds, store
from pipeline import search as package
from pipeline.accelerator import require_accelerator
from pipeline.batches import Augmentation, Images
from pipeline.params import Params, SearchParams
from pipeline.progress import Progress
from pipeline.search import state
from pipeline.search.cpu_time import CpuTime
from pipeline.search.curves import Curves
from pipeline.search.methods import METHODS, Method, Setting, Step
from pipeline.search.objective import Costs, expected_latency_ms, mean_entropy
from pipeline.search.prices import price_range
from pipeline.search.simplex import grid
from pipeline.search.warmup import WarmUpPaths
from pipeline.search.weights import WeightTraining
from pipeline.source_code import made_by
from pipeline.space import make_space
from pipeline.training import TrainingDiverged, augmentation, sgd

RESULTS = Path("results")
OUTPUT = Path("results/search")
# That decides what a search finds.
CODE = (models, nb201, spec, package, batches, dataset, seeds, sgd, make_space)
_LOG_STEPS = 20
_SUMMARY_POINTS = 256


def run(params: Params) -> None:
    """Search on the profiled target; writes results/search/.

    Raises NoAccelerator, and TrainingDiverged, after which it goes on from the last checkpoint.
    """
    require_accelerator(params.search.device)
    data = dataset.load()
    space = make_space(params.space, data.shape)
    table = Table.read(RESULTS / params.search.prices)
    costs = Costs.of(space, table, params.search.reg_cost)
    with (
        store.locked("search"),
        Live(str(plots.SEARCH), dvcyaml=False, save_dvc_exp=False) as live,
    ):
        augment = augmentation(params.retrain)
        search = Search(space, data, costs, params.search, augment, Curves(live))
        result = search.run(*checkpoints(params))
    state.save(result, space, params.search)
    spent_s = {f"cpu_s_{phase}": spent for phase, spent in search.cpu.spent_s.items()}
    metrics.write("search", {**summarise(result, space, costs), **spent_s})


def checkpoints(params: Params) -> tuple[Path, Path]:
    """The files of a search and of its warmed-up weights, by everything that decides them."""
    prices = RESULTS / params.search.prices
    task = (
        params.space.model_dump(mode="json"),
        sha256_of(dataset.DATASET_FILE),
        asdict(augmentation(params.retrain)),
        made_by(CODE, ("torch",)),
    )
    key = store.content_key(
        params.search.decisive,
        *task,
        sha256_of(prices / "table.csv"),
        sha256_of(prices / "table.json"),
    )
    warmed = store.content_key(warm_up_essentials(params.search), *task)
    return store.place("search", key, ".pt"), store.place("search", warmed, ".warm.pt")


def warm_up_essentials(params: SearchParams) -> dict[str, Any]:
    """What decides the weights after the warm-up: every method goes on from the same ones."""
    names = {"seed", "device", "precision", "strategy", "batch_size", "weights"}
    names |= {"warmup_epochs", "warmup_skip"}
    later = params.joint_steps * params.weight_steps  # the learning rate falls until then
    return {**params.model_dump(mode="json", include=names), "later_steps": later}


class Search:
    """The whole search as a sequence of steps that a checkpoint can interrupt anywhere."""

    def __init__(
        self,
        space: Space,
        data: dataset.Dataset,
        costs: Costs,
        params: SearchParams,
        augment: Augmentation,
        curves: Curves,
    ) -> None:
        self.fabric = Fabric(
            accelerator=params.device,
            devices=1,
            strategy=params.strategy,
            precision=params.precision,
        )
        device = self.fabric.device
        self.space, self.params, self.costs = space, params, costs.to(device)
        self.curves = curves
        weights = Images.part(data, data.weights).to(device)
        learned = data.architecture if params.level == "bilevel" else data.weights
        self.images = Images.part(data, learned).to(device)
        per_epoch = max(1, len(weights) // params.batch_size)
        self.warmup_steps = params.warmup_epochs * per_epoch
        steps = self.warmup_steps + params.joint_steps * params.weight_steps
        self.weights = WeightTraining(space, weights, params, steps, self.fabric, augment)
        self.method: Method | None = None
        self.cpu = CpuTime()

    def run(self, checkpoint: Path, warmed: Path) -> state.Result:
        """Run to the end, from `checkpoint` where it exists, else from the weights `warmed` up
        by a search that differs in its method only. Nobody removes either: an unchanged search
        that is asked for again is read from its checkpoint."""
        self._restore(_furthest(checkpoint, warmed))
        if self.method is None:
            self._warm_up(checkpoint)
            if not warmed.exists():
                self._save(warmed)
            self.method = self._begin(self._price_range())
            self.method.prepare()
        self._join(self.method, checkpoint)
        return state.Result(
            self.weights.net.cpu(),
            self.method.alpha(),
            self.method.setting.kappa_range,
            self.costs.reference_ms,
        )

    def _warm_up(self, checkpoint: Path) -> None:
        weights, params = self.weights, self.params
        paths = WarmUpPaths(self.space, params, "warm-up")
        with Progress("warm-up", self.warmup_steps, start=weights.done) as progress:
            while weights.done < self.warmup_steps:
                loss = weights.step(paths.at(weights.done))
                progress.update(weights.done, f"loss {loss:.3f}")
                if weights.done % _LOG_STEPS == 0:
                    self.curves.add(weights.done, {"warmup_loss": loss})
                if weights.done % params.checkpoint_steps == 0:
                    self._save(checkpoint)

    def _join(self, method: Method, checkpoint: Path) -> None:
        params = self.params
        if method.done == params.joint_steps:
            return  # read again, which costs the method nothing
        with Progress("search", params.joint_steps, start=method.done) as progress:
            while method.done < params.joint_steps:
                for _ in range(params.weight_steps):
                    self.weights.step(method.path(self.weights.done))
                seen = method.step()
                _require_finite(seen.loss, method.done, params)
                progress.update(method.done, _text(seen))
                if method.done % _LOG_STEPS == 0:
                    self.curves.add(self.warmup_steps + method.done, asdict(seen))
                if method.done % params.checkpoint_steps == 0:
                    self._save(checkpoint)
        self._save(checkpoint)

    def _price_range(self) -> tuple[float, float]:
        if self.params.kappa != "auto":
            return self.params.kappa
        costs = self.costs.to(torch.device("cpu"))
        return price_range(self.space, self.weights.supernet, self.images, costs, self.params.seed)

    def _begin(self, kappa_range: tuple[float, float]) -> Method:
        setting = Setting(
            self.space, self.images, self.costs, self.params, kappa_range, self.weights, self.fabric
        )
        return METHODS[self.params.method](setting)

    def _save(self, checkpoint: Path) -> None:
        method = self.method
        self.cpu.lap("joint" if method else "warm_up")
        content = {
            "cpu_s": self.cpu.spent_s,
            "precision": self.fabric.strategy.precision.state_dict(),  # what 16-mixed scales by
            "weights": self.weights.state(),
            "method": method and method.state(),
            "kappa_range": method and list(method.setting.kappa_range),
            "curves": self.curves.points,
        }
        store.save(checkpoint, content)

    def _restore(self, saved: Any) -> None:
        if saved is None:
            return
        self.fabric.strategy.precision.load_state_dict(saved["precision"])
        self.weights.restore(saved["weights"])
        self.curves.restore(saved["curves"])
        self.cpu.restore(saved["cpu_s"])
        if saved["method"] is not None:
            low, high = saved["kappa_range"]
            self.method = self._begin((low, high))
            self.method.restore(saved["method"])


def _furthest(checkpoint: Path, warmed: Path) -> Any:
    """What a search goes on from: its own checkpoint, unless another search finished the warm-up
    in which it was killed."""
    saved = store.load(checkpoint)
    in_warm_up = saved is None or saved["method"] is None
    return (store.load(warmed) if in_warm_up else None) or saved


@torch.no_grad()
def summarise(result: state.Result, space: Space, costs: Costs) -> dict[str, float]:
    """What α(S, κ) became: the expected latency at both ends of κ and how decided it is."""
    points, _ = grid(len(space.operations), result.kappa_range, _SUMMARY_POINTS, seed=0)
    numbers = {"reference_ms": result.reference_ms}
    for end, kappa in zip(("min", "max"), result.kappa_range, strict=True):
        p = result.alpha(points, torch.full((len(points),), kappa)).softmax(-1)
        numbers[f"kappa_{end}"] = kappa
        numbers[f"latency_ms_at_kappa_{end}"] = float(expected_latency_ms(p, costs).mean())
        numbers[f"entropy_at_kappa_{end}"] = mean_entropy(p)
    return numbers


def _require_finite(loss: float, round_: int, params: SearchParams) -> None:
    if not math.isfinite(loss):
        raise TrainingDiverged(
            f"the search diverged: the loss of round {round_} of {params.method} is {loss:.4g}; "
            f"lower its learning rate or search.weights.lr = {params.weights.lr:g}, or narrow "
            "search.kappa"
        )


def _text(seen: Step) -> str:
    return f"loss {seen.loss:.3f} {1e3 * seen.expected_latency_ms:.0f} µs H {seen.entropy:.2f}"
