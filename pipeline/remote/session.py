"""What a stage asks of a board: models that are measured together, as one order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from edge.bench import Job, Protocol
from edge.errors import first_problem
from edge.orders import How, Order
from edge.record import Target
from pipeline.remote.errors import RemoteError
from pipeline.remote.rounds import Round


@dataclass(frozen=True)
class Session:
    """The `jobs` that a stage, `purpose`, has measured on `target`, which is the board `device`."""

    purpose: str
    device: str
    target: Target
    jobs: Sequence[Job]
    protocol: Protocol
    seed: int = 0


@dataclass(frozen=True)
class Placed:
    """A session as an order: what is measured once is not ordered again, but in another round."""

    session: Session
    round: Round

    @classmethod
    def of(cls, session: Session, store: Path) -> Placed:
        """`store` remembers the rounds. Raises RemoteError where no board would be asked this."""
        name = f"{session.device}-{_order(session, 0).id[:16]}"
        return cls(session, Round.read(store, name))

    @cached_property
    def order(self) -> Order:
        """The same session of the same round is the same order."""
        return _order(self.session, self.round.number)

    @property
    def files(self) -> Mapping[str, Path]:
        """Where the models lie, by sha256."""
        return {job.subject.sha256: job.path for job in self.session.jobs}

    @property
    def what(self) -> str:
        """For people."""
        return f"{self.session.purpose} on {self.session.device}"


def _order(session: Session, number: int) -> Order:
    """Its seed depends on the target and the round: after an update of the board, or where it is
    to be measured once more, it is another order."""
    text = f"{session.seed}/{session.target.id}/{number}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1  # 31 bits
    asked = asdict(session.protocol)
    how = {name: asked[name] for name in How.model_fields if name in asked}
    models = [
        {"subject": job.subject.model_dump(), "size_bytes": job.path.stat().st_size}
        for job in session.jobs
    ]
    try:
        return Order.model_validate(
            {
                "purpose": session.purpose,
                "runtime": session.target.runtime,
                "precision": session.target.precision,
                "threads": session.target.threads,
                "how": {**how, "seed": seed},
                "models": models,
            }
        )
    except ValidationError as error:
        raise RemoteError(
            f"{session.purpose} asks more of {session.device} than a board may be asked for: "
            f"{first_problem(error, 'the order')}; lower that in params.yaml"
        ) from error
