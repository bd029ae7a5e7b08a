"""A member in an application: images in, class probabilities out.

    with Family.load("families/current").pick(budget_ms=8) as model:
        probabilities = model(image)  # (H, W, 3) uint8 -> (classes,) float32
        print(model.labels[probabilities.argmax()])

It prepares images as the training did, and keeps nothing of them.
"""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from edge.device import ROOT
from edge.errors import EdgeError
from edge.family import Family
from edge.manifest import CONFIDENCE, Member
from edge.pick import Fallback, Pick, Question, judge
from edge.preprocess import Array, Batch, Floats, Preprocessing, dequantise
from edge.record import Target
from edge.runtimes import ModelRejected, Session, get_runtime

_NS_PER_MS = 1e6


class ModelClosed(EdgeError, RuntimeError):
    """The model was closed."""


class Timed(NamedTuple):
    """An answer, and what it took. A budget covers `network_ms` alone, as latencies are measured;
    who must keep it from image to answer takes the usual `around_ms` off it: preparing the image,
    reading the answer, and waiting for other threads where the runtime does one at a time."""

    probabilities: Floats
    network_ms: float
    around_ms: float


class Network:
    """A model file in its runtime, shared by every `Model` of it in this process."""

    def __init__(self, path: Path, target: Target, provider: str, classes: int) -> None:
        """Loads it and runs it once. Raises MissingRuntime or ModelRejected."""
        began_ns = time.monotonic_ns()
        runtime = get_runtime(target.runtime)
        self.session: Session = runtime.load(path, target.threads, provider)
        if len(self.session.inputs) != 1 or len(self.session.outputs) != 1:
            raise ModelRejected(f"{path.name} has several inputs or outputs: it is no classifier")
        (self.input,), (self.output,) = self.session.inputs, self.session.outputs
        if int(np.prod(self.output.shape)) != classes:
            raise ModelRejected(
                f"{path.name} gives {self.output.shape}, not a number for each of {classes} "
                "classes: its family.json describes another model"
            )
        one_at_a_time = not self.session.thread_safe
        self._turn: AbstractContextManager[object] = (
            threading.Lock() if one_at_a_time else nullcontext()
        )
        self.session.run(self.session.feeds(seed=0))  # the first run is the slowest
        self.build_ms = (time.monotonic_ns() - began_ns) / _NS_PER_MS

    def __call__(self, x: Array) -> tuple[Array, int]:
        """One inference: what the input takes, to what the output gives, and the nanoseconds that
        it took. Threads wait in turn where the runtime can do one at a time only; that wait is in
        no latency that was measured, and not in these."""
        with self._turn:
            began_ns = time.monotonic_ns()
            output = self.session.run({self.input.name: x})[0]
            return output, time.monotonic_ns() - began_ns


class Model:
    """A member that is loaded, and has run once. Any number of threads may call it.

    An image is a numpy array of (H, W, C) or (H, W): uint8 from 0 to 255, or floating point from 0
    to 1, RGB or grey, of any size. It is made grey or RGB, resized, normalised and, for an int8
    input, quantised as in the training. A batch is (N, H, W, C); its images run one after another,
    because latencies are measured with one. What comes out are probabilities, float32, of the
    classes in the order of `labels`: (classes,) of an image, (N, classes) of a batch.

    The budget of a pick is about the network alone; `timed` says what is around it.
    """

    def __init__(
        self, family: Family, member: Member, target: Target, network: Network, pick: Pick | None
    ) -> None:
        """By `Family.pick` and `Family.open`."""
        self.family, self.target, self.pick = family, target, pick
        self.member = member.on(target)
        self.labels = family.manifest.classes
        self.build_ms = network.build_ms  # what loading and the first run took, whoever asked
        self.provider = network.session.provider  # that runs it, whatever was asked for
        self.prepare = Preprocessing(family.manifest, network.input)
        self._output = network.output
        self._network: Network | None = network

    @property
    def name(self) -> str:
        """Of the member."""
        return self.member.name

    def __call__(self, images: npt.ArrayLike) -> Floats:
        """Class probabilities. Raises BadImage or ModelClosed."""
        return self.read(self.infer(self.prepare(images)))

    def logits(self, images: npt.ArrayLike) -> Floats:
        """What the network itself gives, in the place of probabilities."""
        return self._stacked(self.infer(self.prepare(images)))

    def infer(self, prepared: Batch) -> Batch:
        """The network alone: what a budget is about. Raises ModelClosed."""
        return self.run(prepared)[0]

    def run(self, prepared: Batch) -> tuple[Batch, int]:
        """What `infer` gives, and the nanoseconds that a budget is about."""
        network = self._opened()
        found = [network(x) for x in prepared.arrays]
        return Batch([output for output, _ in found], prepared.single), sum(ns for _, ns in found)

    def read(self, outputs: Batch) -> Floats:
        """Probabilities of what `infer` gave."""
        logits = self._stacked(outputs)
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        found: Floats = powers / powers.sum(axis=-1, keepdims=True)
        return found

    def timed(self, images: npt.ArrayLike) -> Timed:
        """The answer, and what it took."""
        began_ns = time.monotonic_ns()
        outputs, network_ns = self.run(self.prepare(images))
        probabilities = self.read(outputs)
        around_ns = time.monotonic_ns() - began_ns - network_ns
        return Timed(probabilities, network_ns / _NS_PER_MS, around_ns / _NS_PER_MS)

    def close(self) -> None:
        """Let go of the network: calls that are in it end as usual, new ones are refused."""
        self._network = None

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> Network:
        network = self._network
        if network is None:
            raise ModelClosed(f"the model {self.name} is closed: pick again")
        return network

    def _stacked(self, outputs: Batch) -> Floats:
        """(classes,), or (N, classes) of a batch."""
        logits = [dequantise(output, self._output).reshape(-1) for output in outputs.arrays]
        return (
            logits[0]
            if outputs.single
            else np.array(logits, np.float32).reshape(-1, len(self.labels))
        )


def pick(
    family: Family,
    budget_ms: float,
    percentile: int = 95,
    *,
    confidence: float = CONFIDENCE,
    min_accuracy: float | None = None,
    fallback: Fallback | None = None,
    target: Target | None = None,
    runtime: str | None = None,
    root: Path = ROOT,
) -> Model:
    """The most accurate member that fits, as `edge.pick.pick` sees it, loaded.

    Without a `target` it is one of this machine, in the power mode it is in and with a runtime that
    is installed; where several runtimes or precisions were measured here, all their files are
    ranked together. What was measured with another version of the runtime counts as stale.

    Raises PickError for a question without sense, of which NotMeasuredHere and SeveralTargets are
    cases, NoFit where nothing fits, and what `load` raises.
    """
    question = Question(budget_ms, percentile, confidence, min_accuracy)
    chosen = judge(family.ranking(question, target, runtime, root), question, fallback)
    return load(family, chosen.member, chosen.target, pick=chosen)


def load(
    family: Family,
    member: Member,
    target: Target,
    provider: str | None = None,
    pick: Pick | None = None,
) -> Model:
    """`member` by its file for `target`, on `provider` instead of the one that was measured.

    The file is verified first, and shared with other models of it. Raises FamilyError where there
    is no file for `target`, IntegrityError where it is not the one of the manifest, MissingRuntime
    or ModelRejected where it cannot run here.
    """
    artifact = member.deployed_for(target)
    family.verify_artifact(member, artifact)
    provider = provider or target.provider  # a latency is of one, and so is what keeps a budget
    key = artifact.sha256, target.runtime, provider, target.threads
    with _LOADING:
        network = _NETWORKS.get(key)
        if network is None:
            network = Network(family.path(artifact), target, provider, len(family.manifest.classes))
            _NETWORKS[key] = network
    return Model(family, member, target, network, pick)


_LOADING = threading.Lock()
_NETWORKS: WeakValueDictionary[tuple[str, str, str, int], Network] = WeakValueDictionary()
