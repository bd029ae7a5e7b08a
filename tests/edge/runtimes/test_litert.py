"""With the model files that ../data/make.py made."""

import importlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from edge.bench import Failure, Job, Protocol, measure
from edge.files import sha256_of
from edge.record import Measurement, Subject
from edge.runtimes.base import MissingRuntime, ModelRejected
from edge.runtimes.litert import LiteRT
from edge.target import make_target

DATA = Path(__file__).parents[1] / "data"
QUICK = Protocol(
    warmup_s=0.0, warmup_runs=10, blocks=3, block_s=0.0, block_runs=60, timeout_s=20.0, pin=False
)


@pytest.fixture
def litert() -> LiteRT:
    runtime = LiteRT()
    try:
        runtime.version()
    except MissingRuntime as error:
        pytest.skip(str(error))
    return runtime


def install(monkeypatch: pytest.MonkeyPatch, packages: Mapping[str, str]) -> None:
    """Let it seem that of the two packages only `packages` are there, with these versions."""

    def version(name: str) -> str:
        if name not in packages:
            raise metadata.PackageNotFoundError(name)
        return packages[name]

    monkeypatch.setattr(metadata, "version", version)


def test_it_computes_the_model(litert: LiteRT) -> None:
    session = litert.load(DATA / "conv.tflite", threads=1)
    (name,) = session.feeds(0)
    (y,) = session.run({name: np.ones((1, 4, 8, 8), dtype=np.float32)})
    assert y.shape == (1, 4, 8, 8)
    assert y[0, 0, 4, 4] == pytest.approx(3.6)  # 4 channels * 9 taps * 0.1
    assert y[0, 0, 0, 0] == pytest.approx(1.6)  # only 4 taps inside the corner


def test_an_output_outlives_the_next_run(litert: LiteRT) -> None:
    session = litert.load(DATA / "conv.tflite", threads=1)
    (name,) = session.feeds(0)
    (ones,) = session.run({name: np.ones((1, 4, 8, 8), dtype=np.float32)})
    session.run({name: np.zeros((1, 4, 8, 8), dtype=np.float32)})
    assert ones[0, 0, 4, 4] == pytest.approx(3.6)


def test_feeds_fit_every_input_of_the_signature(litert: LiteRT) -> None:
    session = litert.load(DATA / "mixed.tflite", threads=1)
    feeds = session.feeds(0)
    assert {name: (feed.shape, feed.dtype.name) for name, feed in feeds.items()} == {
        "x": ((1, 3), "float32"),  # its batch is dynamic
        "q": ((2, 40), "int8"),
        "s": ((), "float32"),
    }
    assert int(feeds["q"].min()) < -100
    assert int(feeds["q"].max()) > 100
    abs_x, cast_q, abs_s = session.run(feeds)
    assert np.array_equal(abs_x, np.abs(feeds["x"]))
    assert np.array_equal(cast_q, feeds["q"].astype(np.float32))
    assert np.array_equal(abs_s, np.abs(feeds["s"]))


def test_feeds_follow_the_seed(litert: LiteRT) -> None:
    session = litert.load(DATA / "conv.tflite", threads=1)
    first, again, other = (next(iter(session.feeds(seed).values())) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("name", "provider"), [("conv", "XNNPACK"), ("cast", "CPU")])
def test_the_provider_is_what_ran(litert: LiteRT, name: str, provider: str) -> None:
    assert litert.load(DATA / f"{name}.tflite", threads=2).provider == provider


@pytest.mark.parametrize("content", [b"", b"this is no flatbuffer"])
def test_a_file_that_is_no_model_is_rejected(
    litert: LiteRT, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelRejected, match=r"litert refuses broken\.tflite: "):
        litert.load(path, 1)


def scrambled(content: bytes) -> bytes:
    """The same identifier, and then forty bytes that are not what they were."""
    rng, found = np.random.default_rng(0), bytearray(content)
    for place in rng.integers(8, len(found), 40):
        found[place] ^= 0xFF
    return bytes(found)


def test_models_are_measured_and_corrupt_ones_fail_alone(litert: LiteRT, tmp_path: Path) -> None:
    target = make_target("litert", threads=1, precision="fp32")
    good = (DATA / "conv.tflite").read_bytes()
    contents = {"good": good, "cut": good[:-100], "scrambled": scrambled(good), "last": good}
    paths = [tmp_path / f"{name}.tflite" for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    jobs = [Job(Subject(kind="file", name=p.stem, sha256=sha256_of(p)), p) for p in paths]
    first, *corrupt, last = measure(jobs, target, QUICK)
    for result in corrupt:  # LiteRT checks a file first; tflite-runtime dies of the scrambled one
        assert isinstance(result, Failure), result
        assert result.kind in ("rejected", "crash")
    for result in (first, last):
        assert isinstance(result, Measurement), result
        assert result.target == target
        assert [len(block) for block in result.samples_ns] == [60, 60, 60]


def test_a_model_that_xnnpack_does_not_take_is_no_latency_of_the_target(litert: LiteRT) -> None:
    path = DATA / "cast.tflite"
    job = Job(Subject(kind="file", name="cast", sha256=sha256_of(path)), path)
    target = make_target("litert", threads=1, precision="fp32")
    (result,) = measure([job], target, replace(QUICK, blocks=1))
    assert isinstance(result, Failure)
    assert (result.kind, result.detail) == ("rejected", "ran on CPU, not on XNNPACK")


def test_preparing_loads_what_the_first_model_would(litert: LiteRT) -> None:
    litert.prepare()
    assert {"ai_edge_litert.interpreter", "tflite_runtime.interpreter"} & set(sys.modules)


def test_versions_of_different_packages_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "__version__", "1.26.4")
    both = {"ai-edge-litert": "2.14.0", "tflite-runtime": "2.14.0"}
    install(monkeypatch, both)
    assert LiteRT().version() == "ai-edge-litert 2.14.0"
    del both["ai-edge-litert"]
    assert LiteRT().version() == "tflite-runtime 2.14.0"


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {})
    with pytest.raises(MissingRuntime, match=r"pip install 'edgefacet\[litert\]'"):
        LiteRT().version()
    with pytest.raises(MissingRuntime):
        LiteRT().load(DATA / "conv.tflite", 1)


def test_tflite_runtime_is_refused_beside_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {"tflite-runtime": "2.14.0"})
    monkeypatch.setattr(np, "__version__", "2.0.1")
    with pytest.raises(MissingRuntime, match="pip install 'numpy<2'"):
        LiteRT().version()


def test_a_package_that_cannot_be_imported_is_as_good_as_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_name: str) -> None:
        raise ImportError("GLIBC_2.34 not found")

    install(monkeypatch, {"ai-edge-litert": "2.3.0"})
    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(MissingRuntime, match=r"cannot be imported \(GLIBC_2.34 not found\)"):
        LiteRT().load(DATA / "conv.tflite", 1)
