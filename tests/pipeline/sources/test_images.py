import numpy as np
import pytest
from PIL import Image

from pipeline.params import DataParams
from pipeline.sources import images
from pipeline.sources.labelled import DataError


@pytest.fixture
def folder(tmp_path):
    """Two classes, grey: the level of an image is its number."""
    for name, numbers in (("cat", (1, 2)), ("dog", (3, 4, 5))):
        (tmp_path / name).mkdir()
        for number in numbers:
            grey(number).save(tmp_path / name / f"{number}.png")
    return tmp_path


def grey(level, height=4, width=6):
    return Image.fromarray(np.full((height, width), level, np.uint8))


def read(folder, **options):
    params = {"name": "images", "path": folder, "weights": 0.6, "architecture": 0.2, "holdout": 0.2}
    return images.read(DataParams(**params, **options), folder)


def test_images_of_one_size_stay_as_they_are(folder):
    raw = read(folder)
    assert raw.train.x.shape == (5, 4, 6, 1)
    assert raw.train.x[:, 0, 0, 0].tolist() == [1, 2, 3, 4, 5]
    assert raw.train.y.tolist() == [0, 0, 1, 1, 1]
    assert raw.train.y.dtype == np.int64
    assert (raw.classes, raw.test, raw.remark) == (("cat", "dog"), None, "")


def test_one_colour_image_makes_all_of_them_rgb(folder):
    Image.new("RGB", (6, 4), (9, 8, 7)).save(folder / "dog/6.png")
    assert read(folder).train.x[[0, 5], 0, 0].tolist() == [[1, 1, 1], [9, 8, 7]]
    assert read(folder, channels=1).train.x.shape == (6, 4, 6, 1)


def test_sizes_that_differ_need_one_to_resize_to(folder):
    grey(6, height=8).save(folder / "dog/6.png")
    with pytest.raises(DataError, match=r"2 sizes .*4x6, 8x6\); set data\.size in params\.yaml"):
        read(folder)
    raw = read(folder, size=[8, 6])
    assert raw.train.x.shape == (6, 8, 6, 1)
    assert raw.remark.startswith("5 of 6 images resized to 8x6 pixels (Pillow, bilinear")


def test_test_images_have_the_geometry_of_the_others(folder, tmp_path_factory):
    root = tmp_path_factory.mktemp("both")
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            (root / part / name).mkdir(parents=True)
            grey(7 if part == "test" else 1).save(root / part / name / "1.png")
    raw = read(root)
    assert raw.train.x[:, 0, 0, 0].tolist() == [1, 1]
    assert raw.test.x[:, 0, 0, 0].tolist() == [7, 7]


def test_every_broken_file_is_listed_at_once(folder):
    for number in range(7):
        (folder / f"cat/broken-{number}.png").write_bytes(b"nothing")
    with pytest.raises(DataError) as caught:
        read(folder)
    lines = str(caught.value).splitlines()
    assert lines[0] == "7 of 12 files cannot be used:"
    assert lines[1] == f"  {folder}/cat/broken-0.png: is no image"
    assert lines[6:] == ["  and 2 more", "repair or delete them"]


def test_a_file_that_is_torn_inside_is_found_when_it_is_decoded(folder):
    noise = np.random.default_rng(0).integers(0, 256, (4, 6), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "cat/torn.png")
    (folder / "cat/torn.png").write_bytes((folder / "cat/torn.png").read_bytes()[:-30])
    with pytest.raises(DataError, match=r"1 of 6 files cannot be used:\n  .*torn\.png: "):
        read(folder)


def test_files_that_are_no_images_are_told(folder):
    (folder / "cat/notes.txt").touch()
    assert read(folder).remark == f"1 files are no images, such as {folder}/cat/notes.txt"


def test_what_does_not_fit_into_memory_is_said_before_it_is_decoded(folder, monkeypatch):
    monkeypatch.setattr("pipeline.sources.labelled.LARGEST_BYTES", 100)  # 5 * 4 * 6 are 120
    with pytest.raises(DataError, match=r"5 images of 4x6x1 take .* lower data\.size"):
        read(folder)
