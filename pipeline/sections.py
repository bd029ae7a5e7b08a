"""The sections of `params.yaml` as frozen data, each with its units and bounds.

The defaults are the default preset, so a project's own file needs to hold only what differs.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pipeline.problems import did_you_mean

TRAINING_IMAGES = {"fashion-mnist": 60_000}
IMAGE_SIZE = 28  # of an image, pixels
OPERATION = re.compile(r"skip|sep_k3|mbconv_k[357]_e[1-8]|conv_k[135]")
OPERATION_NAMES = "skip, sep_k3, mbconv_k{3,5,7}_e{1..8}, conv_k{1,3,5}"


T = TypeVar("T")
Seed = Annotated[int, Field(ge=0, lt=2**32, description="Seed of every random draw of this stage")]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
AutoOr = Annotated[  # told apart by type, so that a wrong list is not reported as a wrong word
    Annotated[Literal["auto"], Tag("word")] | Annotated[T, Tag("value")],
    Discriminator(lambda given: "word" if isinstance(given, str) else "value"),
]
NumberOrMap = Annotated[
    Annotated[float, Tag("number")] | Annotated[dict[str, float], Tag("map")],
    Discriminator(lambda given: "map" if isinstance(given, dict) else "number"),
]


class Section(BaseModel):
    """What all sections share: frozen, finite, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def setting(default: Any, description: str, **bounds: Any) -> Any:
    """A field with its default, what it means (and its unit), and its bounds."""
    return Field(default=default, description=description, **bounds)


class TargetParams(Section):
    """What the family must be fast on."""

    device: Literal["local"] = setting("local", "`local`: this machine")
    runtime: Literal["onnxruntime"] = setting("onnxruntime", "Inference runtime")
    precision: Literal["fp32"] = setting("fp32", "Numbers the models compute in")
    threads: int = setting(1, "Threads of one inference", ge=1, le=256)


class DataParams(Section):
    """The data set and the split of its training images."""

    name: Literal["fashion-mnist"] = setting("fashion-mnist", "Data set")
    folder: Path | None = setting(
        None, "Folder that holds the idx files already; null: the usual places"
    )
    seed: Seed = 0
    weights: Count = setting(40_000, "Images the supernet's weights learn from")
    architecture: Count = setting(14_000, "Images the hypernetwork learns from")
    holdout: Count = setting(6_000, "Images that rank architectures")

    @model_validator(mode="after")
    def _split_fits(self) -> DataParams:
        needed, there = self.weights + self.architecture + self.holdout, TRAINING_IMAGES[self.name]
        if needed > there:
            raise ValueError(
                f"weights + architecture + holdout = {needed} images, "
                f"but {self.name} has {there}; lower one of them"
            )
        return self


class SpaceParams(Section):
    """The search space: a chain of stages of searched blocks."""

    name: Literal["mbconv"] = setting("mbconv", "Search space")
    stem_width: int = setting(24, "Channels after the stem", ge=1, le=1024)
    stem_stride: Literal[1, 2] = setting(2, "Stride of the stem")
    widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = setting(
        (24, 48, 96), "Channels of each stage", min_length=1
    )
    depths: tuple[Annotated[int, Field(ge=1, le=64)], ...] = setting(
        (2, 3, 4), "Searched blocks of each stage", min_length=1
    )
    head_width: int = setting(128, "Channels before the classifier", ge=1, le=8192)
    act: Literal["relu", "relu6", "hardswish"] = setting("relu", "Activation")
    operations: tuple[str, ...] = setting(
        (
            "skip",
            "sep_k3",
            "mbconv_k3_e2",
            "mbconv_k5_e2",
            "mbconv_k3_e4",
            "mbconv_k5_e4",
            "conv_k3",
        ),
        f"Candidates of every decision: {OPERATION_NAMES}",
        min_length=2,
    )

    @field_validator("depths")
    @classmethod
    def _one_depth_per_width(cls, depths: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        widths = info.data.get("widths", depths)
        if len(depths) != len(widths):
            raise ValueError(f"{len(depths)} depths for {len(widths)} widths; give one per stage")
        return depths

    @field_validator("operations")
    @classmethod
    def _known_and_distinct(cls, operations: tuple[str, ...]) -> tuple[str, ...]:
        known = cls.model_fields["operations"].default
        unknown = [op for op in operations if not OPERATION.fullmatch(op)]
        wrong = [f"unknown operation {op!r}{did_you_mean(op, known)}" for op in unknown]
        wrong += [f"{op!r} is listed twice" for op, n in Counter(operations).items() if n > 1]
        if wrong:
            raise ValueError("; ".join([*wrong, f"allowed: {OPERATION_NAMES}"]))
        return operations


class ProfileParams(Section):
    """How the latency table is measured."""

    seed: Seed = 0
    anchors: int = setting(10, "Random whole networks the calibration is fitted on", ge=0)
    heldout: int = setting(20, "Random whole networks that nothing is fitted on", ge=0)
    blocks: int = setting(7, "Blocks of runs per model, randomly interleaved", ge=3)
    block_s: float = setting(0.05, "Least duration of a block of runs, s", gt=0, le=60)
    warmup_s: float = setting(0.1, "Warm-up before the first block, s", ge=0, le=60)
    workers: Count = setting(2, "Processes that export; timing is never parallel")


class CalibrateParams(Section):
    """How measurements of whole networks correct the table."""

    confidence: float = setting(0.9, "Confidence of a prediction's interval", gt=0, lt=1)
    half_life_days: Positive = setting(180, "Age at which a record weighs half, days")
    accept: Literal["usable", "suspect", "auto"] = setting(
        "auto", "Records that count: usable ones, suspect ones too, or those only where needed"
    )


class WeightsParams(Section):
    """The optimiser of the supernet's weights: SGD with Nesterov momentum."""

    lr: float = setting(0.1, "Peak learning rate", gt=0, le=10)
    momentum: float = setting(0.9, "Momentum", ge=0, lt=1)
    weight_decay: float = setting(5e-5, "Weight decay", ge=0, le=1)
    clip: Positive = setting(5.0, "Largest norm of a gradient")


class HypernetParams(Section):
    """The network from a simplex point and a price to the logits, and its optimiser."""

    hidden: tuple[Count, ...] = setting((64, 64), "Units of each hidden layer")
    lr: float = setting(0.003, "Learning rate (Adam)", gt=0, le=1)
    logit_bound: Positive = setting(8.0, "Largest absolute logit")


class SamplerParams(Section):
    """The distribution of simplex points in the search."""

    kind: Literal["gumbel-softmax", "dirichlet"] = setting(
        "gumbel-softmax", "Distribution of the simplex points"
    )
    theta: NumberOrMap = setting(
        0.0, "Logits of gumbel-softmax: one number, or a map of operations"
    )
    temperature: Positive = setting(1.0, "Temperature of gumbel-softmax")
    concentration: Positive = setting(1.0, "Concentration of dirichlet")
    vertex_share: Share = setting(0.2, "Share of the points drawn at a vertex")


class SearchParams(Section):
    """The differentiable search."""

    seed: Seed = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = setting("auto", "Accelerator")
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "bf16-true"] = setting(
        "32-true", "Precision of the training, as Lightning Fabric names it"
    )
    strategy: Literal["auto", "ddp"] = setting("auto", "Lightning Fabric strategy")
    batch_size: Count = setting(64, "Images per step")
    warmup_epochs: int = setting(3, "Epochs of the weights on uniform paths", ge=0)
    warmup_skip: Share = setting(0.4, "How often a skip drawn in warm-up is kept")
    joint_steps: Count = setting(500, "Rounds of first-order bilevel optimisation")
    weight_steps: int = setting(1, "Weight steps per round", ge=0)
    weights: WeightsParams = setting(WeightsParams(), "Optimiser of the weights")
    hypernet: HypernetParams = setting(HypernetParams(), "Hypernetwork")
    estimator: Literal["two-path", "straight-through"] = setting(
        "two-path", "How the gradient of a sampled path reaches the logits"
    )
    sampler: SamplerParams = setting(SamplerParams(), "Simplex points")
    kappa: AutoOr[tuple[Positive, Positive]] = setting(
        "auto", "Range [min, max] of the price of latency, or `auto`"
    )
    reg_weight: float = setting(0.5, "Weight lambda of the simplex penalty", ge=0)
    reg_cost: Literal["uniform", "params", "macs"] = setting(
        "uniform", "Cost weight of an operation in the simplex penalty"
    )
    checkpoint_steps: Count = setting(200, "Steps between two checkpoints")

    @field_validator("kappa")
    @classmethod
    def _ascending(cls, kappa: T) -> T:
        if isinstance(kappa, tuple) and kappa[0] > kappa[1]:
            raise ValueError(f"the range is reversed; write [{kappa[1]:g}, {kappa[0]:g}]")
        return kappa


class PointParams(Section):
    """A named point of the simplex, at a budget or at a price."""

    ops: dict[str, Share] = Field(
        min_length=1, description="Share of each operation; those not named share the rest equally"
    )
    budget_ms: Positive | None = setting(None, "Latency budget, ms")
    kappa: Positive | None = setting(None, "Price of latency")

    @field_validator("ops")
    @classmethod
    def _at_most_one(cls, ops: dict[str, float]) -> dict[str, float]:
        total = sum(ops.values())
        if total > 1 + 1e-9:
            raise ValueError(f"the shares sum to {total:g}, more than 1")
        return ops

    @model_validator(mode="after")
    def _one_price(self) -> PointParams:
        if (self.budget_ms is None) == (self.kappa is None):
            raise ValueError("give exactly one of budget_ms and kappa")
        return self


class ExtractParams(Section):
    """Which members are read off the search."""

    seed: Seed = 0
    points: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], PointParams] = setting(
        {}, "Named points of the simplex; a name becomes the member's name"
    )
    budgets_ms: AutoOr[tuple[Positive, ...]] = setting(
        "auto", "Latency budgets, ms, or `auto`: spread over what is reachable"
    )
    budget_count: Count = setting(6, "How many budgets `auto` makes")
    candidates: Count = setting(4096, "Points (S, kappa) read from the hypernetwork")
    screened: Count = setting(160, "Candidates judged on a few images")
    finalists: Count = setting(32, "Of these, judged with re-estimated BatchNorm")
    workers: Count = setting(2, "Processes that judge")


class RetrainParams(Section):
    """How every member is trained from scratch."""

    seed: Seed = 0
    epochs: Count = setting(6, "Epochs over all training images")
    batch_size: Count = setting(128, "Images per step")
    schedule: Literal["one-cycle", "cosine"] = setting("one-cycle", "Learning rate's path")
    lr: float = setting(0.15, "Peak learning rate (SGD)", gt=0, le=10)
    momentum: float = setting(0.9, "Momentum", ge=0, lt=1)
    weight_decay: float = setting(3e-4, "Weight decay", ge=0, le=1)
    label_smoothing: float = setting(0.05, "Label smoothing", ge=0, lt=1)
    shift: int = setting(1, "Largest random shift, pixels", ge=0, le=16)
    flip: bool = setting(True, "Random horizontal flips")
    workers: Count = setting(2, "Members trained at the same time, one thread each")


class ExportParams(Section):
    """How members become model files."""

    opset: int = setting(20, "ONNX opset", ge=18, le=25)
    parity_images: Count = setting(64, "Images compared with PyTorch")
    tolerance: float = setting(1e-4, "Largest error of a logit, over the largest", gt=0, le=0.1)


class VerifyParams(Section):
    """How members are measured on the target."""

    percentile: Literal[90, 95, 99] = setting(95, "Percentile that a budget is about, %")
    blocks: int = setting(7, "Blocks of runs per model, randomly interleaved", ge=3)
    block_s: float = setting(0.5, "Least duration of a block of runs, s", gt=0, le=60)
    warmup_s: float = setting(0.5, "Warm-up before the first block, s", ge=0, le=60)
