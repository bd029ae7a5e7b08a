"""From what came back from a board to what measuring here would have given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from edge.bench import Failure
from edge.orders import FailedModel
from edge.record import Measurement, Subject, Target
from edge.report_file import failure_of
from edge.session import Result
from edge.text import printable
from pipeline.remote.errors import RemoteError
from pipeline.remote.session import Session

_SHOWN = 5  # names in a message


def results(
    session: Session, records: Iterable[Measurement], failures: Iterable[FailedModel]
) -> list[Result]:
    """A record or a failure for every job of the session, in its order.

    Of several records of one model the last one counts. Raises RemoteError where a record is of
    another target, or a model has neither record nor failure.
    """
    ordered = {_key(job.subject) for job in session.jobs}
    found: dict[str, Measurement] = {}
    elsewhere: dict[str, Measurement] = {}
    for record in records:
        if _key(record.subject) not in ordered:
            raise RemoteError(
                f"{printable(record.subject.name)} is none of the models that were ordered: this "
                "is the report of another order"
            )
        (found if record.target == session.target else elsewhere)[_key(record.subject)] = record
    failed = {failure.sha256: failure for failure in failures}
    answers = [
        _result(job.subject, session.target, found, elsewhere, failed) for job in session.jobs
    ]
    missing = [j.subject.name for j, a in zip(session.jobs, answers, strict=True) if a is None]
    if missing:
        raise RemoteError(
            f"{len(missing)} of {len(answers)} models have neither a record nor a failure: "
            f"{_some(missing)}"
        )
    return [answer for answer in answers if answer is not None]


def _result(
    subject: Subject,
    target: Target,
    found: Mapping[str, Measurement],
    elsewhere: Mapping[str, Measurement],
    failed: Mapping[str, FailedModel],
) -> Result | None:
    key = _key(subject)
    if key in found:
        return found[key]
    if key in elsewhere:
        return _of_another(elsewhere[key], target)
    if subject.sha256 in failed:
        return failure_of(subject, failed[subject.sha256])
    return None


def _of_another(record: Measurement, target: Target) -> Failure:
    """A model may run on another provider than the rest; all else means that the board changed."""
    there = record.target
    if there.model_copy(update={"provider": target.provider}) != target:
        raise RemoteError(
            f"the board is not what it was when this was ordered:\n  {printable(str(there))}\n"
            f"  {target}\ndescribe it again (`facet info --json` where there is no hub) and then: "
            "dvc repro"
        )
    return Failure(
        record.subject, "rejected", f"ran on {printable(there.provider)}, not on {target.provider}"
    )


def _key(subject: Subject) -> str:
    """The same for what went over the wire, where the keys of an architecture are sorted."""
    return json.dumps(subject.model_dump(mode="json"), sort_keys=True)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
