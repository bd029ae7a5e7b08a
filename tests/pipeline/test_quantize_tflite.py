import numpy as np
import pytest
from torch import nn

from edge.runtimes import get_runtime
from pipeline.exporter import ExportError
from pipeline.quantize_tflite import halve_tflite, quantize_tflite
from pipeline.tflite_export import export_tflite, read_metadata, unpack
from tests.pipeline.hand_quantised import hand_quantised

FLOAT32, FLOAT16, INT8 = 0, 1, 9  # TensorType of the schema


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(folder with fp32.tflite, int8.tflite and fp16.tflite, image (1, H, W, C))."""
    folder = tmp_path_factory.mktemp("tflite")
    net, image = hand_quantised()
    image = image.transpose(0, 2, 3, 1)
    source = folder / "fp32.tflite"
    export_tflite(net, (1, 2, 2), source, metadata={"precision": "fp32"})
    quantize_tflite(source, folder / "int8.tflite", [image], {"precision": "int8"})
    halve_tflite(source, folder / "fp16.tflite", {"precision": "fp16"})
    return folder, image


def tensors(path):
    return unpack(path.read_bytes()).subgraphs[0].tensors


def scales(path, shape):
    """Scales of the int8 tensors of `shape`."""
    found = [t for t in tensors(path) if t.type == INT8 and t.shape.tolist() == shape]
    return [t.quantization.scale.tolist() for t in found]


def logits(path, image):
    return get_runtime("litert").load(path, 1).run({"image": image})[0]


def test_weights_have_a_scale_per_channel(files):
    found = scales(files[0] / "int8.tflite", [1, 1, 1, 2])
    assert found == [pytest.approx([0.5 / 127, 1.27 / 127])]


def test_activations_have_the_range_of_the_calibration_images(files):
    path = files[0] / "int8.tflite"
    assert scales(path, [1, 2, 2, 1]) == [pytest.approx([5.1 / 255])]
    assert scales(path, [1, 1, 2, 2]) == []
    assert all(scale == pytest.approx([4 / 255]) for scale in scales(path, [1, 2, 2, 2]))


def test_a_range_holds_the_values_of_every_image(files, tmp_path):
    folder, image = files
    quantize_tflite(folder / "fp32.tflite", tmp_path / "int8.tflite", [image / 2, image, image / 3])
    assert scales(tmp_path / "int8.tflite", [1, 2, 2, 1]) == [pytest.approx([5.1 / 255])]


@pytest.mark.parametrize(("precision", "error"), [("int8", 9.155 / 255), ("fp16", 9.155 / 2**11)])
def test_a_file_is_called_as_before_and_says_what_it_is_told(files, precision, error):
    folder, image = files
    path = folder / f"{precision}.tflite"
    before = logits(folder / "fp32.tflite", image)
    np.testing.assert_allclose(before, [[3.035, 9.155]], rtol=1e-5)
    np.testing.assert_allclose(logits(path, image), before, atol=error)
    named = {tensor.name: tensor.type for tensor in tensors(path) if tensor.name}
    assert named == {b"image": FLOAT32, b"logits": FLOAT32}
    assert read_metadata(path) == {"precision": precision}


def test_fp16_halves_the_weights(files):
    folder, _ = files
    found = [t.shape.tolist() for t in tensors(folder / "fp16.tflite") if t.type == FLOAT16]
    assert sorted(found) == [[1, 1, 1, 2], [2, 8]]


def test_the_weights_of_a_larger_model_stay_in_the_file(tmp_path):
    """Beyond 256 KiB the quantiser puts them behind the flatbuffer. Image (1, 1, 1, 512) of ones,
    weights of 1/512: every logit is 1."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(512, 600))
    nn.init.constant_(net[1].weight, 1 / 512)
    nn.init.zeros_(net[1].bias)
    image = np.ones((1, 1, 1, 512), np.float32)
    export_tflite(net, (512, 1, 1), tmp_path / "fp32.tflite")
    quantize_tflite(tmp_path / "fp32.tflite", tmp_path / "int8.tflite", [image])
    halve_tflite(tmp_path / "fp32.tflite", tmp_path / "fp16.tflite")
    for name, per_weight in (("int8", 1), ("fp16", 2)):
        path = tmp_path / f"{name}.tflite"
        assert path.stat().st_size > 512 * 600 * per_weight
        np.testing.assert_allclose(logits(path, image), np.ones((1, 600)), atol=1 / 127)


def test_the_same_file_and_images_give_the_same_bytes(files, tmp_path):
    folder, image = files
    quantize_tflite(
        folder / "fp32.tflite", tmp_path / "int8.tflite", [image], {"precision": "int8"}
    )
    halve_tflite(folder / "fp32.tflite", tmp_path / "fp16.tflite", {"precision": "fp16"})
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_nothing_is_printed_about_progress(files, tmp_path, capfd):
    folder, image = files
    quantize_tflite(folder / "fp32.tflite", tmp_path / "int8.tflite", [image] * 3)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "Calibration" not in captured.err


def test_what_cannot_be_quantised_is_an_export_error_that_names_the_file(files, tmp_path):
    folder, _ = files
    wrong = np.zeros((1, 3, 3, 1), np.float32)
    with pytest.raises(ExportError, match=r"cannot quantise fp32\.tflite: "):
        quantize_tflite(folder / "fp32.tflite", tmp_path / "int8.tflite", [wrong])
    assert not (tmp_path / "int8.tflite").exists()
