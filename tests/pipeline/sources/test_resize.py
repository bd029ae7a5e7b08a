import numpy as np

from pipeline.params import DataParams
from pipeline.sources.labelled import Labelled, Raw
from pipeline.sources.resize import resized


def raw(channels=3):
    x = np.zeros((2, 4, 4, channels), np.uint8)
    x[1, ..., 0] = 200
    return Raw(Labelled(x, np.array([0, 1])), Labelled(x[:1], np.array([0])), ("a", "b"))


def test_nothing_is_done_where_nothing_is_asked():
    one = raw()
    assert resized(one, DataParams()) is one
    assert resized(one, DataParams(size=[4, 4], channels=3)) is one


def test_size_and_channels_of_both_parts_change():
    made = resized(raw(), DataParams(size=[2, 6], channels=1))
    assert made.train.x.shape == (2, 2, 6, 1)
    assert made.test.x.shape == (1, 2, 6, 1)
    assert made.train.x[1, 0, 0, 0] == 60  # the luma of red: 0.299 * 200
    assert made.train.y.tolist() == [0, 1]
    assert made.remark.startswith("4x4x3 made 2x6x1 (Pillow, bilinear")


def test_grey_becomes_three_equal_channels():
    made = resized(raw(channels=1), DataParams(channels=3))
    assert made.train.x[1, 0, 0].tolist() == [200, 200, 200]
