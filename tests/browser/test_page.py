"""The report as a browser shows it: valid, accessible, on a desk and on a phone, light and dark."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.report.stage import page
from tests.pipeline.report import made_up

HERE = Path(__file__).parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
MISSING = [
    reason
    for reason, there in {
        "no node on the path": shutil.which("node"),
        "no chromium on the path": CHROMIUM,
        "run npm ci in tests/browser": (HERE / "node_modules").is_dir(),
    }.items()
    if not there
]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(MISSING), reason="; ".join(MISSING)),
]
LONG = "a-name-that-is-far-too-long-for-the-width-of-any-phone-" * 2


def check(html, folder):
    """What check.mjs finds."""
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    command = ["node", HERE / "check.mjs", file, CHROMIUM]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Of a page with everything: two runtimes, and a long name that is no HTML."""
    latencies = [made_up.latency(made_up.ORT, 1, 2, 1), made_up.latency(made_up.LITERT, 3, 5)]
    hostile = made_up.member(f"<b>{LONG}&ü", ["skip"] * 4, 0.8, 0.8, latencies, (2, True))
    run = made_up.full(hostile, made_up.SLOW)
    return check(page(run), tmp_path_factory.mktemp("browser"))


def test_the_html_is_valid(found):
    assert found["html"] == []


def test_every_view_is_accessible_quiet_and_as_wide_as_the_screen(found):
    assert {(view["width"], view["scheme"]) for view in found["views"]} == {
        *((1280, "light"), (1280, "dark"), (360, "light"), (360, "dark"))
    }
    for view in found["views"]:
        grave = [v for v in view["violations"] if v["impact"] in ("serious", "critical")]
        assert (view["console_errors"], view["requests"], grave) == ([], [], [])
        assert view["scroll_width"] == view["width"]


def test_the_check_itself_finds_what_is_wrong(tmp_path):
    wrong = (
        '<!DOCTYPE html><html><head><title>x</title></head><body><img src="http://[::1]:1/x.png">'
        '<p id="a">a</p><p id="a" style="width: 3000px">b</p></body></html>'
    )
    found = check(wrong, tmp_path)
    assert any("no-dup-id" in message for message in found["html"])
    for view in found["views"]:
        assert view["scroll_width"] > view["width"]
        assert view["requests"] == ["http://[::1]:1/x.png"]
        assert view["console_errors"]
        assert {"image-alt", "html-has-lang"} <= {v["id"] for v in view["violations"]}
