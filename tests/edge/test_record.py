import errno
import hashlib
import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.record import (
    MAX_RECORD_BYTES,
    MAX_SAMPLE_NS,
    Conditions,
    Measurement,
    RecordError,
    Subject,
    Target,
    append,
    iter_networks,
    parse,
    read,
    read_all,
    unique,
)
from edge.spec import Architecture, BlockSpec, Row

TARGET = Target(
    device="board", runtime="ort", runtime_version="1", provider="cpu", precision="fp32", threads=1
)
NETWORK = Architecture("mbconv", (1, 28, 28), 10, (Row("s", BlockSpec("conv_k3", 1, 8, 28, 28)),))


def measurement(*samples_ns: int, **changes: object) -> Measurement:
    """One record of a file; all samples are one block of runs."""
    fields = {
        "subject": Subject(kind="file", name="model", sha256="0"),
        "target": TARGET,
        "conditions": Conditions(wall_time="2026-01-01T00:00:00+00:00"),
        "warmup_ns": (30,),
        "samples_ns": (samples_ns,),
        "verdict": "clean",
    }
    return Measurement.model_validate({**fields, **changes})


def network(architecture: dict[str, object] | None) -> Measurement:
    subject = Subject(kind="network", name="net", sha256="0", architecture=architecture)
    return measurement(1, subject=subject)


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "records.jsonl"
    append(path, measurement(1, 2))
    append(path, measurement(3))
    assert read(path) == [measurement(1, 2), measurement(3)]


def test_a_line_is_plain_json_with_the_raw_samples(tmp_path: Path) -> None:
    append(tmp_path / "r.jsonl", measurement(1, 2))
    data = json.loads((tmp_path / "r.jsonl").read_text())
    assert data["version"] == 1
    assert data["samples_ns"] == [[1, 2]]
    assert data["target"]["device"] == "board"


def test_every_length_of_a_cut_last_line_is_ignored(tmp_path: Path) -> None:
    """A kill in mid-write leaves any part of a line behind, but never its newline."""
    first, second = measurement(1).to_json() + "\n", measurement(2).to_json()
    path = tmp_path / "r.jsonl"
    for length in (0, 1, 40, len(second)):
        path.write_text(first + second[:length])
        assert read(path) == [measurement(1)]


@pytest.mark.parametrize("left", [b"\0" * 512, b'{"conditions":{"boot' + b"\0" * 512])
def test_zeros_that_a_power_cut_left_are_no_record(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "r.jsonl"
    append(path, measurement(1))
    path.write_bytes(path.read_bytes() + left)
    assert read(path) == [measurement(1)]
    append(path, measurement(2))
    assert read(path) == [measurement(1), measurement(2)]


def test_appending_replaces_a_cut_last_line(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append(path, measurement(1))
    with path.open("a") as file:
        file.write(measurement(2).to_json()[:40])
    append(path, measurement(3))
    assert read(path) == [measurement(1), measurement(3)]


def test_a_full_disk_is_told_with_the_file_of_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*/r\.jsonl'$"):
        append(tmp_path / "r.jsonl", measurement(1))


FOREIGN = [
    b"\x08\x07\x12\x00:7\n\x10\n\x01x",  # a model
    b'{"a": 1}',
    b"a letter\n",
    b'{"conditions":{}}\n{"conditions":',  # rows of something else
    b'{"conditions":\xff}\n',  # no UTF-8
    b"\0\0",
]


@pytest.mark.parametrize("content", FOREIGN)
def test_a_file_that_holds_something_else_is_neither_read_nor_touched(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    for use in (read, lambda file: append(file, measurement(1))):
        with pytest.raises(RecordError, match=r"model\.onnx:\d: "):
            use(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("no JSON", r"record: Invalid JSON"),
        ("{}", r"subject: Field required"),
        (json.dumps({**json.loads(measurement(1).to_json()), "extra": 1}), r"extra: Extra inputs"),
        (measurement(1).to_json().replace("[[1]]", "[[0]]"), r"record: .* is not a latency"),
        (measurement(1).to_json().replace('"threads":1', '"threads":0'), r"target\.threads: "),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(f"{measurement(1).to_json()}\n\n{line}\n")
    with pytest.raises(RecordError, match=rf"r\.jsonl:3: {problem}"):
        read(path)


def test_a_newer_version_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    """Also where it has fields that this version does not know."""
    newer = {**json.loads(measurement(1).to_json()), "version": 2, "verdicts": []}
    (tmp_path / "r.jsonl").write_text(json.dumps(newer) + "\n")
    message = "version 2 is not 1, the one this edgefacet reads: update edgefacet"
    with pytest.raises(RecordError, match=rf"r\.jsonl:1: {message}$"):
        read(tmp_path / "r.jsonl")


def test_a_record_that_is_too_large_is_neither_read_nor_written(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(" " * (MAX_RECORD_BYTES + 1) + "\n")
    with pytest.raises(RecordError, match=r"r\.jsonl:1: larger than 4 MiB"):
        read(path)
    large = measurement(1, reasons=("x" * MAX_RECORD_BYTES,))
    with pytest.raises(RecordError, match="larger than 4 MiB"):
        append(tmp_path / "new.jsonl", large)
    assert not (tmp_path / "new.jsonl").exists()


# Every record that can be made: also text that is no ASCII, and sensors that are missing.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_MAYBE = st.none() | st.floats(allow_nan=False, allow_infinity=False)
_RECORDS = st.builds(
    Measurement,
    subject=st.builds(Subject, kind=st.just("file"), name=_TEXT, sha256=_TEXT),
    target=st.builds(
        Target,
        device=_TEXT,
        runtime=_TEXT,
        runtime_version=_TEXT,
        provider=_TEXT,
        precision=_TEXT,
        threads=st.integers(1, 99),
    ),
    conditions=st.builds(
        Conditions,
        wall_time=_TEXT,
        temperature_c_before=_MAYBE,
        other_cpu_load=_MAYBE,
        throttled=st.none() | st.booleans(),
    ),
    warmup_ns=st.lists(st.integers(1, MAX_SAMPLE_NS), max_size=3),
    samples_ns=st.lists(
        st.lists(st.integers(1, MAX_SAMPLE_NS), min_size=1, max_size=3), min_size=1
    ),
    verdict=st.sampled_from(["clean", "clean-unverified", "suspect", "invalid"]),
    reasons=st.lists(_TEXT, max_size=2),
)


@given(_RECORDS)
def test_every_record_survives_the_way_to_a_line_and_back(record: Measurement) -> None:
    again = parse(record.to_json())
    assert again == record
    assert again.id == record.id
    assert parse(record.to_json().encode()) == record
    assert "\n" not in record.to_json()


def test_a_file_of_version_1_is_read_for_ever() -> None:
    """The oldest record there is, byte for byte, and the id that others know it by."""
    line = (
        '{"conditions":{"boot_id":null,"clock_mhz_after":null,"clock_mhz_before":1500.0,'
        '"governor":"performance","kernel":null,"os":null,"other_cpu_load":null,'
        '"temperature_c_after":null,"temperature_c_before":null,"throttled":false,'
        '"uptime_s":null,"wall_time":"2026-01-01T00:00:00+00:00"},"peak_memory_bytes":null,'
        '"reasons":[],"samples_ns":[[20,21],[22]],"subject":{"architecture":null,"block":null,'
        '"kind":"file","name":"model","repeat":null,"role":null,"sha256":"0"},"target":{"batch":1,'
        '"device":"board","power_mode":"unknown","precision":"fp32","provider":"cpu",'
        '"runtime":"ort","runtime_version":"1","threads":1},"verdict":"clean","version":1,'
        '"warmup_ns":[30]}'
    )
    record = Measurement.model_validate_json(line)
    assert record.samples_ns == ((20, 21), (22,))
    assert record.to_json() == line
    assert record.id == hashlib.sha256(line.encode()).hexdigest()


def test_a_line_ends_at_a_newline_and_nowhere_else(tmp_path: Path) -> None:
    """JSON allows U+2028 in a string; `str.splitlines` would break the line there."""
    subject = Subject(kind="file", name="a\u2028b", sha256="0")
    record = measurement(1, subject=subject)
    path = tmp_path / "r.jsonl"
    path.write_text(record.to_json().replace(r"\u2028", "\u2028") + "\n", encoding="utf-8")
    assert read(path) == [record]


@pytest.mark.parametrize("ns", [1, MAX_SAMPLE_NS])
def test_samples_up_to_ten_minutes_are_latencies(ns: int) -> None:
    assert measurement(ns).samples_ns == ((ns,),)


@pytest.mark.parametrize("ns", [-1, 0, MAX_SAMPLE_NS + 1])
def test_a_sample_out_of_bounds_is_refused(ns: int) -> None:
    with pytest.raises(ValidationError, match="is not a latency"):
        measurement(5, ns)


@pytest.mark.parametrize("blocks", [(), ((),)])
def test_a_record_without_samples_is_refused(blocks: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValidationError, match="no samples"):
        measurement(samples_ns=blocks)


def test_a_sensor_that_reads_nan_is_refused() -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Conditions(wall_time="2026-01-01T00:00:00+00:00", clock_mhz_before=float("nan"))


@pytest.mark.parametrize(
    ("verdict", "usable"),
    [("clean", True), ("clean-unverified", True), ("suspect", False), ("invalid", False)],
)
def test_only_clean_records_are_usable(verdict: str, usable: bool) -> None:
    assert measurement(1, verdict=verdict).usable is usable


def test_records_are_immutable() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        measurement(1).verdict = "invalid"


@given(st.lists(st.integers(1, 9)), st.randoms(use_true_random=False))
def test_a_set_of_records_does_not_depend_on_their_order(samples: list[int], rng: Random) -> None:
    records = [measurement(ns) for ns in samples]
    once = unique(records)
    rng.shuffle(records)
    assert unique(records + records) == once
    assert {m.samples_ns[0][0] for m in once} == set(samples)
    assert len(once) == len(set(samples))


def test_a_folder_is_read_with_every_record_once(tmp_path: Path) -> None:
    append(tmp_path / "a.jsonl", measurement(1))
    append(tmp_path / "below" / "b.jsonl", measurement(1))
    append(tmp_path / "below" / "b.jsonl", measurement(2))
    (tmp_path / "notes.txt").write_text("no record\n")
    assert read_all(tmp_path) == unique([measurement(1), measurement(2)])


def test_every_field_makes_another_target() -> None:
    other = {
        "device": "other",
        "runtime": "litert",
        "runtime_version": "2",
        "provider": "cuda",
        "precision": "int8",
        "threads": 2,
        "batch": 2,
        "power_mode": "15W",
    }
    assert set(other) == set(Target.model_fields)
    targets = [TARGET, *(TARGET.model_copy(update={name: v}) for name, v in other.items())]
    assert len({target.id for target in targets}) == len(targets)
    assert len({str(target) for target in targets}) == len(targets)  # an error names both


def test_the_id_of_a_target_never_changes() -> None:
    assert TARGET.id == "2dbd2df6c644"


def test_networks_come_with_their_architecture() -> None:
    record = network(NETWORK.to_dict())
    assert list(iter_networks([measurement(1), record])) == [(NETWORK, record)]


def test_a_network_without_its_architecture_is_named() -> None:
    with pytest.raises(RecordError, match="the record of 'net' holds no architecture"):
        list(iter_networks([network(None)]))
