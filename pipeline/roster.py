"""What is timed: chains of every block, the base network, and random whole networks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from edge import weights
from edge.errors import EdgeError
from edge.record import Subject
from edge.spec import NONE, SKIP, Architecture, BlockSpec
from models.blocks import build
from models.network import Layer, count, layers_of, network
from models.spaces import Choices, Decision, Space
from pipeline.params import ProfileParams
from pipeline.seeds import rng

Role: TypeAlias = Literal["base", "anchor", "heldout"]

_REPEATS = (1, 3)  # the difference of the two is free of what calling a runtime costs
_ALONE = (0, 1)  # of a block that cannot follow itself
_TILT = 0.5  # Dirichlet concentration per operation
_DRAWS = 1000  # in a row that find no further network: the space is too small
_CROWD = 20  # networks of which one becomes an anchor


class SpaceTooSmall(EdgeError, ValueError):
    """Fewer distinct networks than are to be drawn."""


@dataclass(frozen=True)
class Chain:
    """Copies of one block in a row, behind an entry that is the same for any number of them.

    Runtimes lay out the activations inside a model in their own way and convert at its border.
    The input of a model would go straight into the first residual sum and hold all of them to
    the layout of the border, so that every copy would pay for conversions that it does not need
    inside a network.
    """

    block: BlockSpec
    repeat: int

    @property
    def name(self) -> str:
        return f"{self.block.key} x{self.repeat}"

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What runs, in order; a block that reads several reads the entry, too."""
        others = (0,) * (self.block.operands - 1)
        copies = [Layer(self.block, (n, *others)) for n in range(self.repeat)]
        return (Layer(self._entry, (-1,)), *copies)

    @property
    def _entry(self) -> BlockSpec:
        """The cheapest layer that changes the geometry, and so is no residual itself."""
        block = self.block
        channels = 2 if block.in_channels == 1 else 1
        return replace(
            block, op="conv_k1", in_channels=channels, out_channels=block.in_channels, stride=1
        )

    def subject(self, sha256: str) -> Subject:
        """What its record says that it is."""
        return Subject(
            kind="chain", name=self.name, sha256=sha256, block=self.block.key, repeat=self.repeat
        )


@dataclass(frozen=True)
class Network:
    """A whole network, and why it is timed."""

    role: Role
    name: str
    architecture: Architecture

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What runs, in order."""
        return layers_of(self.architecture)

    def subject(self, sha256: str) -> Subject:
        """What its record says that it is."""
        return Subject(
            kind="network",
            name=self.name,
            sha256=sha256,
            role=self.role,
            architecture=self.architecture.to_dict(),
        )


Model: TypeAlias = Chain | Network


def roster(space: Space, params: ProfileParams) -> list[Model]:
    """Every model that the profile of `space` times. Raises SpaceTooSmall."""
    chains = [Chain(block, n) for block in space.blocks for n in repeats(block)]
    bases = _bases(space)
    anchors = _anchors(params.anchors, space, params.seed, bases)
    heldout = _heldout(params.heldout, space, params.seed, [*bases, *anchors])
    return [*chains, *bases, *anchors, *heldout]


def repeats(block: BlockSpec) -> tuple[int, int]:
    """The lengths of its chains: it follows itself where it keeps its geometry."""
    return _REPEATS if block.residual else _ALONE


def cheapest(space: Space) -> Choices:
    """The narrowest network that does nothing wherever it can, and elsewhere has the candidate of
    the fewest MACs. In a space of cells to do nothing is to skip or to have no edge: whichever of
    the two leaves the smaller network."""
    found = [_cheapest_network(space, free) for free in ((SKIP, NONE), (NONE, SKIP))]
    return min(found, key=lambda choices: _size(space.architecture(choices)))


def tilted(space: Space, generator: np.random.Generator) -> Choices:
    """A random network with a taste of its own.

    Independent uniform choices average out: the latencies of such networks lie close together,
    and every operation occurs about equally often, which tells little about any of them. So
    each network first draws how much it likes each operation, and then chooses by that.
    """
    taste = generator.dirichlet([_TILT] * len(space.operations))
    shares = space.mask / space.mask.sum(axis=1, keepdims=True)  # (decisions, options)
    places, operations = len(space.decisions), len(space.operations)
    weights = taste * space.mask[:places, :operations]
    shares[:places, :operations] = weights / weights.sum(axis=1, keepdims=True)
    return space.drawn(shares, generator)


def _cheapest_network(space: Space, free: tuple[str, str]) -> Choices:
    operations = [_cheapest(space, decision, free) for decision in space.decisions]
    return (*operations, *[0] * len(space.elastic))


def _cheapest(space: Space, decision: Decision, free: tuple[str, str]) -> int:
    """The first of the operations that are `free`, before any other."""

    def cost(block: BlockSpec) -> int:
        if block.op == NONE or block.is_identity:
            return free.index(block.op) - len(free)
        macs, _ = count(build(block), (block.in_channels, block.height, block.width))
        return macs

    return space.operations.index(min(decision.candidates, key=cost).op)


def _size(architecture: Architecture) -> tuple[int, int]:
    """MACs, then layers."""
    macs, _ = count(network(architecture), architecture.input_shape)
    return macs, len(architecture.canonical().rows)


def _bases(space: Space) -> list[Network]:
    """The cheapest network for every choice of widths: what fixed rows take is what they take
    beyond their blocks."""
    places = len(space.decisions)
    operations = cheapest(space)[:places]
    found = []
    for widths in np.ndindex(*(len(space.widths[stage]) for stage in space.elastic)):
        choices = (*operations, *widths)
        name = "-".join(["base", *space.names(choices)[places:]])
        found.append(Network("base", name, space.architecture(choices)))
    return found


def _anchors(number: int, space: Space, seed: int, others: Sequence[Network]) -> list[Network]:
    """Networks of every size, the smallest first: one of each of `number` equal parts of many.

    Beyond what a cache holds the sum of a table is too low, and calibration has to find out from
    where on: of ten that chance alone draws often two are so large, or none.
    """
    generator = rng(seed, "anchor")
    drawn = _distinct(_CROWD * number, space, generator, others)
    _require(number, "anchors", drawn)
    drawn.sort(key=weights.touched_by)
    parts = np.array_split(np.arange(len(drawn)), number) if number else []
    return _named("anchor", [drawn[int(generator.choice(part))] for part in parts])


def _heldout(number: int, space: Space, seed: int, others: Sequence[Network]) -> list[Network]:
    """Networks as chance has them."""
    drawn = _distinct(number, space, rng(seed, "heldout"), others)
    _require(number, "heldout", drawn)
    return _named("heldout", drawn)


def _distinct(
    most: int, space: Space, generator: np.random.Generator, others: Sequence[Network]
) -> list[Architecture]:
    """At most so many random ones that differ from each other and from the `others`: fewer where
    draw after draw finds none."""
    taken = {other.architecture.key for other in others}
    found: list[Architecture] = []
    in_vain = 0
    while len(found) < most and in_vain < _DRAWS:
        architecture = space.architecture(tilted(space, generator))
        in_vain += 1
        if architecture.key not in taken:
            taken.add(architecture.key)
            found.append(architecture)
            in_vain = 0
    return found


def _require(number: int, key: str, drawn: Sequence[Architecture]) -> None:
    if len(drawn) < number:
        raise SpaceTooSmall(
            f"the space has no {number} further networks for profile.{key}, only "
            f"{len(drawn)} were found: lower profile.anchors or profile.heldout"
        )


def _named(role: Role, drawn: Iterable[Architecture]) -> list[Network]:
    return [Network(role, f"{role}-{n:02d}", one) for n, one in enumerate(drawn, start=1)]
