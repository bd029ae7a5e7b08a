import numpy as np
import pytest

from pipeline import split
from pipeline.sources.labelled import DataError


def test_the_parts_are_disjoint_and_of_the_sizes_asked_for():
    parts = split.parts(10, (5, 3, 2), seed=0)
    assert [len(part) for part in parts] == [5, 3, 2]
    assert sorted(np.concatenate(parts)) == list(range(10))


def test_smaller_parts_leave_images_out():
    assert len(set(np.concatenate(split.parts(100, (5, 3), seed=0)))) == 8


def test_the_seed_decides_the_parts():
    first, again, other = (split.parts(1000, (10,), seed)[0].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_every_class_gives_its_share():
    labels = np.array([0] * 20 + [1] * 10 + [2] * 2)
    chosen = split.stratified(labels, 0.3, "abc", seed=0)
    assert np.bincount(labels[chosen]).tolist() == [6, 3, 1]  # of two one stays to learn from
    assert chosen.tolist() == sorted(set(chosen.tolist()))


def test_a_class_is_never_taken_as_a_whole():
    labels = np.array([0, 0, 1, 1])
    assert np.bincount(labels[split.stratified(labels, 0.99, "ab", seed=0)]).tolist() == [1, 1]


def test_the_seed_decides_the_test_images():
    labels = np.zeros(100, np.int64)
    first, again, other = (split.stratified(labels, 0.1, "a", n).tolist() for n in (1, 1, 2))
    assert first == again != other


def test_a_class_of_one_image_is_named():
    with pytest.raises(DataError, match=r"class 'dog' has 1 image\(s\): it takes two"):
        split.stratified(np.array([0, 0, 1]), 0.5, ("cat", "dog"), seed=0)
