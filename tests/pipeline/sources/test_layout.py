import errno
import os
import re
import unicodedata

import pytest

from pipeline.sources import layout
from pipeline.sources.labelled import DataError


@pytest.fixture
def tree(tmp_path):
    """Makes empty files below a folder; only their names count."""

    def make(*names):
        for name in names:
            path = tmp_path / "set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "set"

    return make


def names(images, folder):
    return [path.relative_to(folder).as_posix() for path in images.paths]


def test_a_folder_per_class_in_the_order_of_names(tree):
    folder = tree("dog/2.JPG", "dog/1.png", "cat/deep/er/9.jpeg", "cat/a.webp")
    found = layout.find(folder)
    assert found.classes == ("cat", "dog")
    assert names(found.train, folder) == [
        "cat/a.webp",
        "cat/deep/er/9.jpeg",
        "dog/1.png",
        "dog/2.JPG",
    ]
    assert found.train.labels == (0, 0, 1, 1)
    assert found.test is None


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Training", "TEST")])
def test_train_and_test_are_kept_apart_whatever_they_are_called(tree, train, test):
    folder = tree(f"{train}/b/1.png", f"{train}/a/2.png", f"{test}/a/3.png", f"{test}/b/4.png")
    found = layout.find(folder)
    assert found.classes == ("a", "b")
    assert names(found.train, folder) == [f"{train}/a/2.png", f"{train}/b/1.png"]
    assert names(found.test, folder) == [f"{test}/a/3.png", f"{test}/b/4.png"]
    assert found.test.labels == (0, 1)


def test_train_alone_has_no_test(tree):
    found = layout.find(tree("train/a/1.png", "train/b/2.png"))
    assert (found.classes, found.test) == (("a", "b"), None)


def test_a_class_may_be_called_train(tree):
    found = layout.find(tree("bus/1.png", "train/1.png", "car/1.png"))
    assert found.classes == ("bus", "car", "train")


def test_classes_may_be_called_like_parts(tree):
    found = layout.find(tree("test/1.png", "train/1.png", "dev board/a/1.png"))
    assert (found.classes, found.test) == (("dev board", "test", "train"), None)


def test_folders_that_may_be_parts_in_another_language_are_doubted(tree):
    folder = tree(*(f"{part}/{name}/1.png" for part in ("prueba", "todo") for name in "ab"))
    found = layout.find(folder)
    assert found.classes == ("prueba", "todo")
    assert found.doubt.startswith("every class folder holds the same folders, a, b: if these are")
    assert layout.find(tree("todo/c/1.png")).doubt == ""


def test_hidden_files_are_passed_over_and_others_are_told(tree):
    folder = tree(
        "a/1.png", "b/1.png", "b/notes.txt", "b/.DS_Store", ".git/x.png", "__MACOSX/a/1.png"
    )
    found = layout.find(folder)
    assert found.classes == ("a", "b")
    assert [path.name for path in found.others] == ["notes.txt"]


def test_names_beyond_ascii_are_the_same_on_every_machine(tree):
    decomposed = unicodedata.normalize("NFD", "Füße")
    found = layout.find(tree(f"{decomposed}/1.png", "花/花.png"))
    assert found.classes == ("Füße", "花")


def test_a_folder_that_must_not_be_read_is_not_called_empty(tree, monkeypatch):
    folder = tree("cat/1.png", "dog/1.png")
    listed = os.scandir

    def guarded(path):
        if str(path).endswith("dog"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(PermissionError, match="dog"):
        layout.find(folder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is no folder; data\.path names"):
        layout.find(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["a/1.png", "b/notes.txt"], r"set/b holds no image \(.*delete the folder"),
        (["a/1.png"], "set has 1 class: a classifier needs two or more"),
        (["a.txt"], "set has 0 classes"),
        (["1.png", "2.png", "a/1.png"], r"set: 2 images are in no class, such as 1\.png"),
        (
            ["train/a/1.png", "train/b/1.png", "val/a/1.png"],
            "set/val: the hold-out images are split",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "test/a/1.png"],
            "set/test has no folder 'b', which train/ has",
        ),
        (
            [f"{part}/{name}/1.png" for part in ("train", "test") for name in "ab"]
            + ["test/c/1.png"],
            "set/train has no folder 'c', which test/ has",
        ),
        (
            [f"{part}/{name}/1.png" for part in ("train", "test", "extra") for name in "ab"],
            "set: test and train look like parts of a data set, not like classes: call them",
        ),
        (
            [f"{part}/{name}/1.png" for part in ("seg_train", "seg_test") for name in "ab"],
            "set: seg_test and seg_train look like parts of a data set",
        ),
        (
            [f"{part}/{name}/1.png" for part in ("valset", "testset") for name in "ab"],
            "set: testset and valset look like parts of a data set",
        ),
        (
            ["Train/a/1.png", "Train/b/1.png", "training/c/1.png"],
            "set: Train and training are both for train; put their images into one",
        ),
        (["a\nb/1.png", "c/1.png"], re.escape(r"the class name 'a\nb' is not plain text")),
    ],
)
def test_what_cannot_be_read_is_named(tree, files, message):
    with pytest.raises(DataError, match=message):
        layout.find(tree(*files))


def test_names_that_differ_only_in_spelling_are_refused(tree):
    folder = tree(*(f"{unicodedata.normalize(form, 'é')}/1.png" for form in ("NFC", "NFD")))
    with pytest.raises(DataError, match="the same name, spelt differently"):
        layout.find(folder)
