from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.bench import Protocol
from edge.orders import (
    MAX_MODEL_BYTES,
    MAX_MODELS,
    MAX_ORDER_BYTES,
    FailedModel,
    How,
    Order,
    OrderedModel,
    OrderError,
)
from edge.record import Subject

A, B = "a" * 64, "b" * 64
TEXT = (
    '{"how":{"block_runs":50,"block_s":1.0,"blocks":7,"max_runs":2000,"seed":0,"timeout_s":60.0,'
    '"warmup_s":0.5},"models":[{"size_bytes":5,"subject":{"architecture":null,"block":null,'
    f'"kind":"file","name":"a","repeat":null,"role":null,"sha256":"{A}"}}}}],"precision":"fp32",'
    '"purpose":"measure","runtime":"onnxruntime","threads":1,"version":1}'
)


def ordered(sha256: str = A, name: str = "a", size_bytes: int = 5, **more: Any) -> OrderedModel:
    subject = Subject.model_validate({"kind": "file", "name": name, "sha256": sha256, **more})
    return OrderedModel(subject=subject, size_bytes=size_bytes)


def order(*models: OrderedModel, **changes: Any) -> Order:
    fields = {"purpose": "measure", "runtime": "onnxruntime", "precision": "fp32"}
    return Order.model_validate({**fields, "models": models or (ordered(),), **changes})


def read(**changes: Any) -> Order:
    return Order.from_json(json.dumps({**json.loads(TEXT), **changes}))


def test_an_order_is_known_by_its_content() -> None:
    assert order().to_json() == TEXT
    # printf '%s' TEXT | sha256sum
    assert order().id == "28bce61a7ce65d10ae98d0ef5545c57da17f44a534a2c72ced0c515d85df10a1"
    assert order(threads=2).id != order().id
    assert order(how=How(seed=1)).id != order().id
    assert order(how=How(block_s=1)).id == order().id  # 1 and 1.0 are one number


def test_the_protocol_is_the_harness_s_own() -> None:
    how = How(warmup_s=0.25, blocks=5, block_s=2, block_runs=100, max_runs=None, timeout_s=9)
    assert how.protocol() == Protocol(
        warmup_s=0.25, blocks=5, block_s=2, block_runs=100, max_runs=None, timeout_s=9
    )


names = st.text(max_size=20)
models = st.lists(
    st.builds(
        ordered,
        st.sampled_from([A, B, "0" * 64]),
        names,
        st.just(7),
        architecture=st.none() | st.dictionaries(names, st.integers() | st.floats(0, 1) | names),
        kind=st.sampled_from(["chain", "network", "file"]),
        repeat=st.none() | st.integers(1, 9),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda model: model.subject.model_dump_json(),
)
protocols = st.builds(
    How,
    warmup_s=st.floats(0, 60),
    blocks=st.integers(1, 101),
    block_s=st.floats(0, 60),
    max_runs=st.none() | st.integers(1, 20_000),
    seed=st.integers(0, 2**31 - 1),
)


@settings(deadline=None, max_examples=50)
@given(models, protocols, st.integers(1, 256))
def test_an_order_is_read_back_with_its_id(
    made: list[OrderedModel], how: How, threads: int
) -> None:
    before = order(*made, how=how, threads=threads)
    after = Order.from_json(before.to_json())
    assert after == before
    assert after.id == before.id
    assert Order.from_json(before.to_json().encode()) == before


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"runtime": "tensorrt"}, "runtime"),
        ({"purpose": "rm -rf /"}, "purpose"),
        ({"purpose": "../x"}, "purpose"),
        ({"precision": ""}, "precision"),
        ({"threads": 0}, "threads"),
        ({"threads": 257}, "threads"),
        ({"models": []}, "models"),
        ({"command": "sh"}, "command"),
        ({"how": {"argv": []}}, "how.argv"),
        ({"how": {"blocks": 102}}, "how.blocks"),
        ({"how": {"block_runs": 2001}}, "how.block_runs"),
        ({"how": {"block_s": 61}}, "how.block_s"),
        ({"how": {"timeout_s": 601}}, "how.timeout_s"),
        ({"how": {"timeout_s": 0}}, "how.timeout_s"),
        ({"how": {"warmup_s": float("nan")}}, "how.warmup_s"),
    ],
)
def test_what_no_board_may_be_asked_for_is_refused_by_name(
    changes: dict[str, Any], where: str
) -> None:
    with pytest.raises(OrderError, match=f"not an order: {where}: "):
        read(**changes)


@pytest.mark.parametrize(
    "model",
    [
        {"size_bytes": 0},
        {"size_bytes": MAX_MODEL_BYTES + 1},
        {"path": "/etc/passwd"},
        {"subject": {"kind": "file", "name": "a", "sha256": "../../etc"}},
        {"subject": {"kind": "file", "name": "a", "sha256": "A" * 64}},
        {"subject": {"kind": "file", "name": "a", "sha256": A, "url": "http://x"}},
        {"subject": {"kind": "network", "name": "a", "sha256": A, "architecture": {"x": 1e999}}},
        {"subject": {"kind": "network", "name": "a", "sha256": A, "architecture": {"x": [-1e999]}}},
        {"subject": {"kind": "file", "name": "a" * (256 << 10), "sha256": A}},
        {"subject": {"kind": "network", "name": "a", "sha256": A, "role": "a" * (256 << 10)}},
    ],
)
def test_a_model_is_its_content_and_nothing_else(model: dict[str, Any]) -> None:
    (whole,) = json.loads(TEXT)["models"]
    with pytest.raises(OrderError, match=r"models\.0"):
        read(models=[{**whole, **model}])


def test_a_subject_is_ordered_once() -> None:
    """Its finished blocks are kept under its name: two of them would be taken for one."""
    with pytest.raises(ValidationError, match="'a' is ordered twice"):
        order(ordered(), ordered())
    assert len(order(ordered(), ordered(name="b")).models) == 2


def test_a_file_has_one_size() -> None:
    with pytest.raises(ValidationError, match="aaaaaaaaaaaa… has two sizes, the second for 'b'"):
        order(ordered(), ordered(name="b", size_bytes=6))


def test_an_order_has_so_many_models_and_no_more() -> None:
    many = [ordered(name=str(n)) for n in range(MAX_MODELS + 1)]
    assert len(order(*many[:-1]).models) == 2000
    with pytest.raises(ValidationError, match="models"):
        order(*many)


def test_a_large_text_is_not_even_parsed() -> None:
    with pytest.raises(OrderError, match=r"larger than 16 MiB.*: order fewer models"):
        Order.from_json("[" * (MAX_ORDER_BYTES + 1))
    with pytest.raises(OrderError, match="larger than 16 MiB"):  # bytes count, not characters
        Order.from_json("€" * (MAX_ORDER_BYTES // 3 + 1))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 10_000, b"\xff", "\ud800"])
def test_what_is_no_order_says_so(text: str | bytes) -> None:
    with pytest.raises(OrderError, match="not an order"):
        Order.from_json(text)


def test_an_order_of_a_newer_version_asks_for_an_update() -> None:
    with pytest.raises(OrderError, match=r"version 2 is not 1, .*: update edgefacet"):
        read(version=2)


def test_what_failed_is_told_in_bounds() -> None:
    failed = FailedModel(sha256=A, kind="gone", detail="x" * 2000)
    assert FailedModel.model_validate_json(failed.model_dump_json()) == failed
    for fields in ({"detail": "x" * 2001}, {"kind": "bored"}, {"sha256": "a"}):
        with pytest.raises(ValidationError):
            FailedModel.model_validate({**failed.model_dump(), **fields})
