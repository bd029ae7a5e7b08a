"""What a run will cost, roughly, before it starts: CPU minutes per stage, and time of boards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from models.spaces import Decision, Space
from pipeline.data_shape import DataShape
from pipeline.extraction.looks import JUDGE_IMAGES, NORM_IMAGES, SCREEN_IMAGES
from pipeline.params import Params, ProfileParams, SearchParams, SpaceParams, VerifyParams
from pipeline.remote import LOCAL
from pipeline.sections.data import Outline
from pipeline.sections.target import wanted_files
from pipeline.space import make_space

# Seconds of one core, from runs on a two-core AMD EPYC (first generation) virtual machine.
EXPORT_S = {"onnxruntime": 0.7, "litert": 5.0}  # one block or short chain to its runtime's format
MEMBER_EXPORT_S = {"onnxruntime": 10.0, "litert": 25.0}  # one member; test and hold-out images
CONVERT_S = 0.5  # one fp32 file to another precision
CONVERTED_S = 10.0  # the same for a member, and its test and hold-out images
RUNTIME_START_S = 0.3  # one model loaded in its own process
SUPERNET_S = 1.3e-7  # a step of the supernet, per image and activation
RETRAIN_S = 6.0e-8  # a step of a member, per image and activation
JUDGE_S = 4.4e-8  # inference, per image and activation
ARMS = 2  # the search and its control
HYPERNET_STEP = 0.7  # of the work of a weight step
FORWARD = 0.25  # of the same: a path that is not learned from
CANDIDATE_S = 1e-3


@dataclass(frozen=True)
class Cost:
    """Minutes: of a core of this machine by stage, in the order of the pipeline, and of boards
    elsewhere by name."""

    stages: dict[str, float]
    boards: dict[str, float]

    def __str__(self) -> str:
        """One line for this machine, the total and what each stage takes, and one per board."""
        parts = ", ".join(f"{stage} {minutes:.1f}" for stage, minutes in self.stages.items())
        total = sum(self.stages.values())
        lines = [f"roughly {total:.0f} CPU minutes if nothing is cached: {parts}"]
        for board, minutes in self.boards.items():
            lines.append(f"on the board {board}: roughly {minutes:.0f} minutes of timing")
        return "\n".join(lines)


def estimate(params: Params, data: Outline) -> Cost:
    """What each stage takes here, and its timing on the boards that it is done on."""
    values, members = activations(params.space, data), member_count(params)
    stages_s = {
        "profile": _profile_export_s(params, data),
        "search": _search_s(params, data, values),
        "extract": _extract_s(params, values),
        "retrain": _retrain_s(params, data, values),
        "export": members * _member_export_s(params),
        "verify": 0.0,
    }
    verify_s = members * _timing_s(params.verify)
    timed = [("profile", params.target, _profile_timing_s(params, data))]
    timed += [("verify", target, verify_s) for target in params.targets]
    boards_s: dict[str, float] = {}
    for stage, target, timing_s in timed:
        of, key = (stages_s, stage) if target.device == LOCAL else (boards_s, target.device)
        of[key] = of.get(key, 0.0) + timing_s
    return Cost(_minutes(stages_s), _minutes(boards_s))


def member_count(params: Params) -> int:
    """How many members the family has at most: named points and budgets."""
    budgets = params.extract.budgets_ms
    return len(params.extract.points) + (
        params.extract.budget_count if budgets == "auto" else len(budgets)
    )


def activations(space: SpaceParams, data: Outline) -> int:
    """Values between the searched blocks of one image: training is bound by memory, not by MACs.
    An elastic stage counts with the mean of its widths."""
    return round(
        fmean(
            sum(_values(step) for step in steps if isinstance(step, Decision))
            for steps in _outlined(space, data).variants.values()
        )
    )


def _values(decision: Decision) -> int:
    block = decision.candidates[0]
    return block.out_channels * block.out_height * block.out_width


def _outlined(space: SpaceParams, data: Outline) -> Space:
    """The space before the data is read: channels and classes decide nothing here."""
    return make_space(space, DataShape((1, data.height, data.width), classes=10))


def _timing_s(stage: ProfileParams | VerifyParams) -> float:
    return RUNTIME_START_S + stage.warmup_s + stage.blocks * stage.block_s


def _minutes(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: s / 60 for name, s in seconds.items()}


def _profile_export_s(params: Params, data: Outline) -> float:
    chains, networks = _profiled(params, data)
    converted = 0 if params.target.precision == "fp32" else chains + networks
    return EXPORT_S[params.target.runtime] * (chains + 2 * networks) + CONVERT_S * converted


def _member_export_s(params: Params) -> float:
    """All files of a member: of every format an fp32 one, and what is made of it."""
    files = wanted_files(params.targets, params.export.precisions)
    return sum(
        MEMBER_EXPORT_S[runtime] + CONVERTED_S * (len(precisions) - 1)
        for runtime, precisions in files.items()
    )


def _profile_timing_s(params: Params, data: Outline) -> float:
    """One model after the other."""
    return _timing_s(params.profile) * sum(_profiled(params, data))


def _profiled(params: Params, data: Outline) -> tuple[int, int]:
    """Blocks as chains of two lengths, and whole networks with the bases."""
    space = _outlined(params.space, data)
    networks = len(space.variants) + params.profile.anchors + params.profile.heldout
    return 2 * len(space.blocks), networks


def _search_s(params: Params, data: Outline, values: int) -> float:
    search = params.search
    weights, _, _ = params.data.parts(data.images)
    warmup = search.warmup_epochs * weights
    step = _method_step(search, len(params.space.operations))
    joint = search.joint_steps * search.batch_size * (search.weight_steps + step)
    return (warmup + joint) * values * SUPERNET_S


def _method_step(search: SearchParams, operations: int) -> float:
    """A step of the method, in weight steps along one path: mixed operations run all `operations`
    at once, a first-order step of theirs being one of the logits and one of the weights."""
    if search.method == "evolution":
        images = search.evolution.networks * search.evolution.images
        return FORWARD * images / search.batch_size
    return {
        "darts": operations * (1 + HYPERNET_STEP) * (3 if search.darts.order == 2 else 1),
        "fbnet": operations * (1 + HYPERNET_STEP),
        "proxylessnas": 2 * HYPERNET_STEP,
        "proxylessnas-r": search.proxylessnas.paths * FORWARD,
    }.get(search.method, HYPERNET_STEP)


def _extract_s(params: Params, values: int) -> float:
    extract = params.extract
    carefully = extract.finalists * (NORM_IMAGES + JUDGE_IMAGES)
    images = ARMS * (extract.screened * SCREEN_IMAGES + carefully)
    return extract.candidates * CANDIDATE_S + images * values * JUDGE_S


def _retrain_s(params: Params, data: Outline, values: int) -> float:
    weights, architecture, _ = params.data.parts(data.images)
    images = member_count(params) * params.retrain.epochs * (weights + architecture)
    return images * values * RETRAIN_S
