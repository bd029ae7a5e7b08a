"""A member in an application, with a real runtime."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edge.family import Family, IntegrityError
from edge.here import NotMeasuredHere
from edge.manifest import FamilyError, Manifest
from edge.model import ModelClosed
from edge.pick import NoFit, SeveralTargets
from edge.preprocess import BadImage
from edge.runtimes import MissingProvider, MissingRuntime, ModelRejected
from tests.edge import runnable

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

IMAGE = np.array([[0, 255], [51, 0]], np.uint8)  # logits 0, 10, 2, 0
POWERS = np.exp([0.0, 10.0, 2.0, 0.0])


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return runnable.family(tmp_path / "family")


def test_two_lines_make_probabilities_of_an_image(family: Family) -> None:
    model = Family.load(family.folder).pick(budget_ms=8)
    y = model(IMAGE)
    assert model.name == "large"
    assert (y.shape, y.dtype) == ((4,), np.float32)
    assert y == pytest.approx(POWERS / POWERS.sum(), rel=1e-5)
    assert model.labels[int(y.argmax())] == "top right"
    assert model.logits(IMAGE) == pytest.approx([0, 10, 2, 0])


def test_a_batch_gives_a_row_per_image(family: Family) -> None:
    model = family.pick(budget_ms=8)
    batch = np.stack([IMAGE, IMAGE.T])[..., None]
    y = model(batch)
    assert y.shape == (2, 4)
    assert y.argmax(axis=1).tolist() == [1, 2]


def test_an_empty_batch_gives_no_row(family: Family) -> None:
    model = family.pick(budget_ms=8)
    none = np.empty((0, 2, 2, 1), np.uint8)
    assert model(none).shape == model.logits(none).shape == (0, 4)


def test_the_budget_decides_and_the_pick_explains_itself(family: Family) -> None:
    model = family.pick(budget_ms=2)
    assert model.name == "small"
    assert model.pick is not None
    assert (model.pick.bound_ms, model.pick.measured) == (1.0, True)
    with pytest.raises(NoFit, match=r"small, has 1\.000 ms"):
        family.pick(budget_ms=0.5)
    assert family.pick(budget_ms=0.5, fallback="fastest").name == "small"


def test_what_is_around_the_network_is_told_apart(family: Family) -> None:
    timed = family.pick(budget_ms=8).timed(IMAGE)
    assert timed.probabilities.argmax() == 1
    assert timed.network_ms > 0
    assert timed.around_ms > 0


def test_int8_inputs_and_outputs_are_scaled_by_the_signature(tmp_path: Path) -> None:
    family = runnable.family(tmp_path, "litert")
    try:
        model = family.pick(budget_ms=8)
    except MissingRuntime as error:
        pytest.skip(str(error))
    # 0.2 is 13 in steps of 0.02 above 3; |0.2| is -108 in steps of 0.01 above -128
    assert model.logits(IMAGE) == pytest.approx([0, 1, 0.2, 0], abs=0.011)
    assert model(IMAGE).argmax() == 1


def test_all_that_was_measured_here_is_ranked_together(tmp_path: Path) -> None:
    family = runnable.family(tmp_path, "onnxruntime", "litert")
    model = family.pick(budget_ms=3)  # onnxruntime needs 4 ms for the large one, litert 2
    assert (model.name, model.target.runtime) == ("large", "litert")
    assert family.pick(budget_ms=3, runtime="onnxruntime").name == "small"


def measured_on(folder: Path, **changes: object) -> Family:
    data = runnable.manifest(folder, {"onnxruntime": runnable.here(**changes)})
    Manifest.model_validate(data).write(folder)
    return Family.load(folder)


def test_a_latency_of_another_board_proves_nothing_here(tmp_path: Path) -> None:
    family = measured_on(tmp_path, device="another board")
    with pytest.raises(NotMeasuredHere, match=r"(?s)nothing was measured on .*another board"):
        family.pick(budget_ms=8)
    (target,) = family.manifest.targets
    assert family.pick(budget_ms=8, target=target).name == "large"


def test_another_power_mode_is_another_target(tmp_path: Path) -> None:
    with pytest.raises(NotMeasuredHere):
        measured_on(tmp_path, power_mode="a mode of tomorrow").pick(budget_ms=8)


def test_another_version_of_the_runtime_makes_a_measurement_stale(tmp_path: Path) -> None:
    model = measured_on(tmp_path, runtime_version="0.1").pick(budget_ms=8)
    assert model.pick is not None
    assert model.pick.stale
    assert any("measured with onnxruntime 0.1, " in reason for reason in model.pick.reasons)


def test_thread_counts_are_not_ranked_together(tmp_path: Path) -> None:
    data = runnable.manifest(tmp_path, {"onnxruntime": runnable.here()})
    four = runnable.latency(runnable.here(threads=4), 1.0)
    data["members"][0]["latencies"].append(four)
    Manifest.model_validate(data).write(tmp_path)
    with pytest.raises(SeveralTargets):
        Family.load(tmp_path).pick(budget_ms=8)


def test_a_runtime_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.runtimes.onnx import OnnxRuntime

    def missing(_self: object) -> str:
        raise MissingRuntime("onnxruntime is not installed")

    family = runnable.family(tmp_path)
    monkeypatch.setattr(OnnxRuntime, "version", missing)
    monkeypatch.setattr("edge.here.installed", lambda _name: None)
    with pytest.raises(MissingRuntime, match="not installed"):
        family.pick(budget_ms=8)


def test_a_provider_that_is_not_installed(family: Family) -> None:
    (target,) = family.manifest.targets
    assert family.open("small", target)(IMAGE).argmax() == 1
    with pytest.raises(MissingProvider, match=r"without NoSuchExecutionProvider: it has .*CPU"):
        family.open("small", target, provider="NoSuchExecutionProvider")


def test_a_provider_that_was_measured_is_the_one_that_runs(tmp_path: Path) -> None:
    family = measured_on(tmp_path, provider="CUDAExecutionProvider")
    with pytest.raises(MissingProvider, match="without CUDAExecutionProvider"):
        family.pick(budget_ms=8)  # on the processor its latencies prove nothing
    (target,) = family.manifest.targets
    model = family.open("small", target, provider="CPUExecutionProvider")
    assert model.provider == "CPUExecutionProvider"
    assert model.build_ms > 0


def test_a_member_without_a_file_for_the_target(family: Family) -> None:
    with pytest.raises(FamilyError, match="'small' has no int8 file for onnxruntime"):
        family.open("small", runnable.here(precision="int8"))


def test_a_tampered_byte_is_refused_and_the_model_that_runs_goes_on(family: Family) -> None:
    model = family.pick(budget_ms=8)
    before = model(IMAGE)
    path = family.folder / "large.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="'large' has sha256"):
        Family.load(family.folder).pick(budget_ms=8)
    assert np.array_equal(model(IMAGE), before)
    assert Family.load(family.folder).pick(budget_ms=2).name == "small"


def test_a_swapped_file_is_refused(family: Family) -> None:
    (family.folder / "large.onnx").write_bytes((family.folder / "small.tflite").read_bytes())
    with pytest.raises(IntegrityError, match="'large' has"):
        family.pick(budget_ms=8)


def test_a_file_of_another_network_is_no_member(tmp_path: Path) -> None:
    data = runnable.manifest(tmp_path, {"onnxruntime": runnable.here()})
    Manifest.model_validate({**data, "classes": ["one", "two"]}).write(tmp_path)
    with pytest.raises(ModelRejected, match="not a number for each of 2 classes"):
        Family.load(tmp_path).pick(budget_ms=8)
    Manifest.model_validate({**data, "input_shape": [1, 4, 4]}).write(tmp_path)
    with pytest.raises(ModelRejected, match="describes another model"):
        Family.load(tmp_path).pick(budget_ms=8)


def test_a_closed_model_refuses_and_its_network_goes(family: Family) -> None:
    with family.pick(budget_ms=8) as model:
        model(IMAGE)
    with pytest.raises(ModelClosed, match="large is closed"):
        model(IMAGE)


def test_models_of_one_file_share_its_network(family: Family) -> None:
    first, second = family.pick(budget_ms=8), family.pick(budget_ms=8)
    assert first._opened() is second._opened()
    first.close()
    assert second(IMAGE).argmax() == 1


@pytest.mark.parametrize("runtime", ["onnxruntime", "litert"])
def test_threads_get_their_own_answers(tmp_path: Path, runtime: str) -> None:
    model = runnable.family(tmp_path, runtime).pick(budget_ms=8)
    images = [np.eye(4, dtype=np.uint8)[n].reshape(2, 2) * 255 for n in range(4)]
    wrong: list[int] = []

    def ask(number: int) -> None:
        for _ in range(200):
            found = int(model(images[number]).argmax())
            if found != number:
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_wait_for_another_thread_is_not_the_network_s(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def turn() -> Iterator[None]:
        clock.now_ns += 5_000_000_000  # until the other thread is through
        yield

    clock = SimpleNamespace(now_ns=0)
    clock.monotonic_ns = clock.perf_counter_ns = lambda: clock.now_ns
    model = family.pick(budget_ms=8)
    monkeypatch.setattr(model._opened(), "_turn", turn())
    monkeypatch.setattr("edge.model.time", clock)
    timed = model.timed(IMAGE)
    assert (timed.network_ms, timed.around_ms) == (0.0, 5000.0)


def test_bad_images_are_refused_by_the_model(family: Family) -> None:
    with pytest.raises(BadImage):
        family.pick(budget_ms=8)(np.zeros((2, 2), np.int64))


def test_the_package_imports_nothing_before_it_is_asked(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys, edge; assert 'numpy' not in sys.modules and 'pydantic' not in sys.modules; "
        "from edge import Family, Model, NoFit, Pick, EdgeError; "
        "assert 'onnxruntime' not in sys.modules and 'edge.worker' not in sys.modules; "
        "print(Family.__name__, sorted(set(edge.__all__) - set(dir(edge))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Family []\n"
    import edge

    with pytest.raises(AttributeError, match="no attribute 'Famly'"):
        edge.Famly  # noqa: B018
