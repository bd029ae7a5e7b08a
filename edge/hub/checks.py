"""Which records a hub takes: those of the order, on its target, within what physics allows."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from edge.feedback.intake import not_hardware
from edge.hub.subjects import subject_id, subject_text
from edge.orders import FailedModel
from edge.record import MAX_RECORD_BYTES, MAX_SAMPLE_NS, TEMPERATURES_C, Measurement, Target
from edge.statistics import median_ms

_LONGEST = 300  # characters of a name
_MOST_REASONS = 50
_MOST_REFUSED = 100  # that are told one by one
_MAX_WARMUP_RUNS = 1_000_000
_MAX_THREADS = 1024
_MAX_BATCH = 65_536
_MAX_MEMORY_BYTES = 1 << 50
_MAX_CLOCK_MHZ = 20_000


@dataclass(frozen=True)
class Ordered:
    """What a record must be of; `subjects` are ids, `files` the sha256 of the model files."""

    job_id: int
    runtime: str
    precision: str
    threads: int
    subjects: Collection[str]
    files: Collection[str]


@dataclass(frozen=True)
class Checked:
    """A record that may be kept, and what is asked of it often."""

    record: Measurement
    content: str
    record_id: str
    subject: str
    subject_id: str
    median_ms: float
    simulated: bool


@dataclass(frozen=True)
class Sorted:
    """The records and failures of a report that may be kept, and why the others may not."""

    records: tuple[Checked, ...]
    failures: tuple[FailedModel, ...]
    refused: tuple[str, ...]


class _Refused(ValueError):
    """Why one record is not taken."""


class _OfAnother(_Refused):
    """A record of another device, which says nothing about what this one would measure."""


def check(
    records: Iterable[Measurement],
    failures: Iterable[FailedModel],
    device: str | None,
    ordered: Ordered | None,
) -> Sorted:
    """Sort out what may be kept of what `device` reports, None where there are no records;
    `ordered` is None for applications' own inference times."""
    good: list[Checked] = []
    failed: list[FailedModel] = []
    refused: list[str] = []
    for number, record in enumerate(records):
        try:
            good.append(_check(record, device, ordered))
        except ValueError as error:
            refused.append(
                f"record {number} ({_short(record.subject.name, 60)}): {_short(str(error))}"
            )
            failed += _as_failure(record, error, ordered)
    for number, failure in enumerate(failures):
        if ordered is not None and failure.sha256 in ordered.files:
            failed.append(failure)
        else:
            refused.append(f"failure {number} ({failure.sha256}): the order names no such model")
    more = refused[_MOST_REFUSED:]
    if more:
        refused[_MOST_REFUSED:] = [f"and {len(more)} more"]
    return Sorted(tuple(good), tuple(failed), tuple(refused))


def _as_failure(
    record: Measurement, error: ValueError, ordered: Ordered | None
) -> list[FailedModel]:
    """Or the device would measure the model again and again."""
    if ordered is None or record.subject.sha256 not in ordered.files:
        return []
    if isinstance(error, _OfAnother):  # measured before a card was moved: it is asked for anew
        return []
    detail = f"the hub refused its record: {_short(str(error))}"
    return [FailedModel(sha256=record.subject.sha256, kind="rejected", detail=detail)]


def _check(record: Measurement, device: str | None, ordered: Ordered | None) -> Checked:
    if record.target.device != device:
        raise _OfAnother(
            f"measured on {_short(record.target.device, 80)!r}, and this token is that of "
            f"{_short(str(device), 80)!r}: give every board its own (facet hub add-device)"
        )
    for problem in _problems(record):
        raise _Refused(problem)
    subject = subject_text(record.subject)
    if ordered is not None:
        _check_order(record, subject_id(subject), ordered)
    content = record.to_json()
    if len(content) > MAX_RECORD_BYTES:
        raise _Refused(f"larger than {MAX_RECORD_BYTES >> 20} MiB, the most a record may have")
    return Checked(
        record,
        content,
        hashlib.sha256(content.encode()).hexdigest(),
        subject,
        subject_id(subject),
        median_ms(record.samples_ns),
        not_hardware(record.target),
    )


def _check_order(record: Measurement, id_: str, ordered: Ordered) -> None:
    if record.subject.sha256 not in ordered.files:
        raise _Refused("the order names no such model")
    if id_ not in ordered.subjects:
        raise _Refused("the order says that this model file is something else")
    asked: Mapping[str, object] = {
        "runtime": ordered.runtime,
        "precision": ordered.precision,
        "threads": ordered.threads,
        "batch": 1,
    }
    for name, value in asked.items():
        if getattr(record.target, name) != value:
            raise _Refused(
                f"measured with {name} {getattr(record.target, name)!r}, ordered with {value!r}"
            )


def _problems(record: Measurement) -> Iterator[str]:
    """What cannot be true of a measurement. Samples have their bounds in `edge.record`."""
    target, conditions = record.target, record.conditions
    sha256 = record.subject.sha256
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        yield "the sha256 of its model is not 64 hex digits"
    if len(record.warmup_ns) > _MAX_WARMUP_RUNS or not all(
        0 < ns <= MAX_SAMPLE_NS for ns in record.warmup_ns
    ):
        yield "a warm-up run that is no latency"
    texts = [*_texts(target), conditions.wall_time, record.subject.name, *record.reasons]
    if max(map(len, texts)) > _LONGEST or len(record.reasons) > _MOST_REASONS:
        yield f"texts of more than {_LONGEST} characters, or more than {_MOST_REASONS} reasons"
    bounds: tuple[tuple[str, float | None, float, float], ...] = (
        ("threads", target.threads, 1, _MAX_THREADS),
        ("batch", target.batch, 1, _MAX_BATCH),
        ("peak memory", record.peak_memory_bytes, 0, _MAX_MEMORY_BYTES),
        ("uptime", conditions.uptime_s, 0, 1e10),
        ("clock", conditions.clock_mhz_before, 0, _MAX_CLOCK_MHZ),
        ("clock", conditions.clock_mhz_after, 0, _MAX_CLOCK_MHZ),
        ("temperature", conditions.temperature_c_before, *TEMPERATURES_C),
        ("temperature", conditions.temperature_c_after, *TEMPERATURES_C),
        ("load of others", conditions.other_cpu_load, 0, 1),
    )
    for name, value, least, most in bounds:
        if value is not None and not least <= value <= most:
            yield f"{name} outside {least:g} .. {most:g}"


def _texts(target: Target) -> Iterator[str]:
    yield from (target.device, target.runtime, target.runtime_version)
    yield from (target.provider, target.precision, target.power_mode)


def _short(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
