import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from edge.runtimes import (
    MissingRuntime,
    ModelRejected,
    UnknownRuntime,
    get_runtime,
    names,
    random_array,
    register,
)

Write = Callable[[str], Path]


def test_a_typo_names_the_nearest_runtime() -> None:
    with pytest.raises(UnknownRuntime, match=r"mean 'onnxruntime'\? allowed: .*onnxruntime"):
        get_runtime("onnxrutime")


def test_every_name_has_its_runtime() -> None:
    assert "onnxruntime" in names()
    assert [get_runtime(name).name for name in names()] == names() == sorted(names())


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="'onnxruntime' is registered already"):
        register(type(get_runtime("onnxruntime")))


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", nothing)
    with pytest.raises(MissingRuntime, match=r"pip install 'edgefacet\[onnx\]'"):
        get_runtime("onnxruntime").version()
    with pytest.raises(ImportError):
        get_runtime("onnxruntime").load(Path("model.onnx"), 1)


def test_asking_for_the_version_imports_nothing_heavy() -> None:
    code = (
        "import sys; from edge.runtimes import get_runtime; get_runtime('onnxruntime').provider; "
        "sys.exit('onnxruntime' in sys.modules)"
    )
    here = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=here, check=False).returncode == 0


def test_onnxruntime_computes_the_model(onnx_model: Write) -> None:
    session = get_runtime("onnxruntime").load(onnx_model("conv"), threads=1)
    (y,) = session.run({"x": np.ones((1, 4, 8, 8), dtype=np.float32)})
    assert y.shape == (1, 4, 8, 8)
    assert y[0, 0, 4, 4] == pytest.approx(3.6)  # 4 channels * 9 taps * 0.1
    assert y[0, 0, 0, 0] == pytest.approx(1.6)  # only 4 taps inside the corner
    assert session.provider == "CPUExecutionProvider"


def test_feeds_fit_the_signature_and_the_seed(onnx_model: Write) -> None:
    session = get_runtime("onnxruntime").load(onnx_model("conv"), threads=1)
    first, again, other = session.feeds(0), session.feeds(0), session.feeds(1)
    assert first["x"].shape == (1, 4, 8, 8)  # the dynamic batch is 1
    assert first["x"].dtype == np.float32
    assert np.array_equal(first["x"], again["x"])
    assert not np.array_equal(first["x"], other["x"])


def test_a_file_that_is_no_model_is_rejected(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"this is no protobuf")
    with pytest.raises(ModelRejected, match=r"broken\.onnx"):
        get_runtime("onnxruntime").load(path, 1)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("int8", -128, 127), ("uint8", 0, 255), ("int64", 0, 1), ("bool", 0, 1)],
)
def test_integers_span_what_is_safe(dtype: str, low: int, high: int) -> None:
    array = random_array(np.random.default_rng(0), [2, None, "n", 10_000], dtype)
    assert array.shape == (2, 1, 1, 10_000)
    assert array.dtype == np.dtype(dtype)
    assert (int(array.min()), int(array.max())) == (low, high)


def test_an_input_of_strings_is_rejected() -> None:
    with pytest.raises(ModelRejected, match="cannot be made up"):
        random_array(np.random.default_rng(0), [1], "str")
