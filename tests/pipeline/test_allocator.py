import sys

import pytest

from pipeline import allocator


def test_the_settings_are_added_to_the_environment():
    tuned = allocator.tuned({"HOME": "/root"}, "glibc")
    assert tuned == {
        "HOME": "/root",
        "MALLOC_MMAP_THRESHOLD_": "33554432",
        "MALLOC_TRIM_THRESHOLD_": "4294967296",
        "MALLOC_TOP_PAD_": "67108864",
    }


@pytest.mark.parametrize(
    "environ",
    [
        {"MALLOC_TOP_PAD_": "1"},
        {"LD_PRELOAD": "/usr/lib/libtcmalloc_minimal.so.4"},
        {"LD_PRELOAD": "/a.so:/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"},
        {"GLIBC_TUNABLES": "glibc.malloc.top_pad=1"},
    ],
)
def test_what_a_user_chose_is_left_alone(environ):
    assert allocator.tuned(environ, "glibc") is None


def test_a_process_that_trains_gets_the_settings_unless_the_user_chose(calls):
    assert allocator.for_training({"HOME": "/root"}) == {"HOME": "/root", **allocator.SETTINGS}
    assert allocator.for_training({"MALLOC_TOP_PAD_": "1"}) == {"MALLOC_TOP_PAD_": "1"}


def test_another_c_library_is_left_alone():
    assert allocator.tuned({}, "musl") is None


def test_another_preloaded_library_is_no_allocator():
    assert allocator.tuned({"LD_PRELOAD": "libfoo.so"}, "glibc") is not None


@pytest.fixture
def calls(monkeypatch):
    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: ("glibc", "2.36"))
    return []


def test_python_starts_again_with_its_own_arguments(calls):
    argv = ["python", "-X", "dev", "-m", "pipeline", "search"]
    allocator.tune({}, argv, lambda *call: calls.append(call))
    expected = [sys.executable, "-X", "dev", "-m", "pipeline", "search"]
    assert calls == [(sys.executable, expected, allocator.SETTINGS)]


def test_it_starts_again_only_once(calls):
    allocator.tune(allocator.SETTINGS, ["python"], lambda *call: calls.append(call))
    assert calls == []
