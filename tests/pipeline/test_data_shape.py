import pytest

from pipeline.data_shape import SHAPE_FILE, DataShape, DataShapeError


def test_what_is_written_is_read(tmp_path):
    shape = DataShape((3, 24, 32), classes=7)
    shape.write(tmp_path)
    assert DataShape.read(tmp_path) == shape


def test_a_missing_file_says_what_makes_it(tmp_path):
    with pytest.raises(DataShapeError, match="does not exist; make it with: dvc repro data"):
        DataShape.read(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"classes": 2}', '{"input_shape": [1], "classes": 2}']
)
def test_a_broken_file_says_how_to_make_it_anew(tmp_path, content):
    (tmp_path / SHAPE_FILE).parent.mkdir()
    (tmp_path / SHAPE_FILE).write_text(content)
    with pytest.raises(DataShapeError, match=r"is broken .*; dvc repro -sf data"):
        DataShape.read(tmp_path)
