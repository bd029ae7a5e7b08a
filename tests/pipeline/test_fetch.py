import gzip
import hashlib

import pytest

from pipeline import fetch

CONTENTS = {"train": b"some images", "t10k": b"others"}
NAMES = tuple(CONTENTS)
SHA256 = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
FILES = fetch.Files("The set", "sha256", SHA256, "  look elsewhere")


def failing(message):
    def get():
        raise fetch.SourceError(message)

    return get


def test_the_first_source_that_has_everything_wins():
    unreached = ("c", failing("is not asked"))
    sources = [("a", failing("no such folder")), ("b", lambda: CONTENTS), unreached]
    assert fetch.first(sources, FILES) == CONTENTS


def test_a_damaged_source_is_passed_over():
    damaged = {**CONTENTS, "t10k": b"othert"}
    assert fetch.first([("a", lambda: damaged), ("b", lambda: CONTENTS)], FILES) == CONTENTS


def test_the_error_lists_each_source_and_what_to_do():
    damaged = {**CONTENTS, "t10k": b"othert"}
    with pytest.raises(fetch.DataUnavailable) as caught:
        fetch.first([("here", failing("no such folder")), ("there", lambda: damaged)], FILES)
    lines = str(caught.value).splitlines()
    assert lines[1] == "  here: no such folder"
    assert lines[2] == "  there: t10k is damaged (its sha256 is wrong): delete it"
    assert lines[0] == "The set is nowhere to be found:"
    assert lines[3:] == ["What to do, one of:", "  look elsewhere"]


def test_a_digest_may_be_of_another_kind():
    digests = {"train": hashlib.md5(b"some images").hexdigest()}
    files = fetch.Files("The set", "md5", digests, "")
    files.check(CONTENTS)
    with pytest.raises(fetch.SourceError, match=r"train is damaged \(its md5 is wrong\)"):
        files.check({"train": b"other"})


def test_files_are_read_as_they_are_or_compressed(tmp_path):
    (tmp_path / "train").write_bytes(CONTENTS["train"])
    (tmp_path / "t10k.gz").write_bytes(gzip.compress(CONTENTS["t10k"]))
    assert fetch.read_folder(tmp_path, NAMES) == CONTENTS


def test_a_missing_folder_and_a_missing_file_are_told_apart(tmp_path):
    with pytest.raises(fetch.SourceError, match="no such folder"):
        fetch.read_folder(tmp_path / "nowhere", NAMES)
    with pytest.raises(fetch.SourceError, match=r"train \(or train.gz\) is missing"):
        fetch.read_folder(tmp_path, NAMES)


@pytest.mark.parametrize(
    "broken",
    [b"not gzip at all", gzip.compress(b"some images")[:-6], b"\x1f\x8b\x08" + bytes(30)],
)
def test_a_broken_archive_is_an_error_of_the_source(tmp_path, broken):
    (tmp_path / "train.gz").write_bytes(broken)
    with pytest.raises(fetch.SourceError, match="train cannot be read"):
        fetch.read_folder(tmp_path, ("train",))


def test_an_address_that_does_not_answer_is_given_up():
    with pytest.raises(fetch.SourceError, match=r"http://127\.0\.0\.1:9: "):
        fetch.require_answer("http://127.0.0.1:9")  # the discard port: nobody listens
