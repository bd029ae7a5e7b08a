from pathlib import Path

import pytest

from pipeline.sections.data import PUBLIC, DataParams


def own(**changes):
    shares = {"weights": 0.65, "architecture": 0.25, "holdout": 0.1}
    return DataParams(**{"name": "images", "path": "here/flowers", **shares} | changes)


def test_shares_are_of_the_training_images():
    assert own().parts(1000) == (650, 250, 100)
    assert own().parts(101) == (65, 25, 10)  # rounded down: 65.65, 25.25, 10.1


def test_a_share_is_not_one_image_short():
    assert 0.29 * 100 < 29  # in binary
    assert own(weights=0.29).parts(100) == (29, 25, 10)


def test_numbers_and_shares_may_be_mixed():
    assert own(weights=1).parts(40) == (1, 10, 4)


def test_a_part_without_an_image_is_named():
    with pytest.raises(ValueError, match=r"holdout = 0\.1 of 9 images is no image; raise it"):
        own().parts(9)


def test_more_than_there_is_names_the_data_and_what_to_write():
    with pytest.raises(
        ValueError, match=r"= 26 images, but flowers has 20 .*shares, such as 0\.65"
    ):
        own(weights=20, architecture=0.25, holdout=1).parts(20)


@pytest.mark.parametrize("name", PUBLIC)
def test_the_default_split_or_shares_fit_public_data(name):
    images = PUBLIC[name].images
    assert sum(own(name=name, path=None).parts(images)) == images


@pytest.mark.parametrize(
    ("params", "title"),
    [
        (DataParams(), "fashion-mnist"),
        (DataParams(path="elsewhere"), "fashion-mnist"),
        (own(), "flowers"),
        (own(name="npz", path=Path("here/photos.npz")), "photos"),
    ],
)
def test_own_data_are_called_by_their_place(params, title):
    assert params.title == title
