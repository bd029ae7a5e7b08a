import re
from datetime import datetime, timezone

import pytest

from edge.hub import page
from edge.hub.page import ago, render
from tests.edge.hub.made_up import HOSTILE, START, busy


@pytest.fixture
def shown(world, tmp_path):
    busy(world, tmp_path)
    return render(world.hub)


def text(html):
    """What a reader sees, in one line."""
    return " ".join(
        re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<(style|title).*?</\1>", "", html)).split()
    )


def test_an_empty_hub_says_what_to_do(world):
    found = text(render(world.hub))
    assert "facet hub add-device NAME" in found
    assert "No records yet." in found


def test_devices_and_how_they_are(shown):
    found = text(shown)
    assert "pi measuring 0 s ago 81 °C yes 1 1 3 Raspberry Pi 5" in found
    assert "away away 5 h ago – unknown 0 0 0" in found
    assert "brand-new never seen never – – 0 0 –" in found
    assert "clone is in quarantine: two machines use the token of clone" in found


def test_orders_and_how_far_they_are(shown):
    found = text(shown)
    assert "verify pi done 1 of 2 1 crash: " in found
    assert "profile pi open 0 of 1 0" in found


def test_targets_and_predicted_against_measured(shown):
    """Networks with conv_k3 cost more than the calibration believes, nine of eleven are usable."""
    found = text(shown)
    assert "11 records: 82 % clean-unverified, 18 % suspect" in found
    assert "in their 90 % interval" in found
    assert shown.count("<circle") >= 5
    assert "Not measured on hardware" in found


def test_a_calibration_that_dvc_is_writing_anew_is_named_and_the_rest_is_shown(world, tmp_path):
    busy(world, tmp_path)
    (tmp_path / "calibration.json").unlink()
    found = text(render(world.hub))
    assert "calibration.json is not a calibration" in found
    assert "11 records: 82 % clean-unverified, 18 % suspect" in found


def test_nothing_is_loaded_run_or_taken_for_html(shown):
    assert "<b onclick" not in shown
    assert "&lt;b onclick=" in shown
    assert HOSTILE not in shown
    assert not re.search(r"<script|<iframe|<object|https?://|@import|url\(", shown)


def test_a_browser_obeys_nothing_but_the_style_sheet(world, operator):
    answer = world.client.get("/", auth=("anybody", operator.token))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.text == render(world.hub)


def test_many_orders_are_cut(world, device, operator, make, monkeypatch):
    monkeypatch.setattr(page, "_MOST_ORDERS", 2)
    operator.put(b"one")
    for n in range(5):
        operator.order(make.order(b"one", purpose=f"p{n}"))
    found = text(render(world.hub))
    assert "3 older ones" in found
    assert "p4" in found
    assert "p2" not in found


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (None, "never"),
        ("2026-03-01T12:00:00+00:00", "0 s ago"),
        ("2026-03-01T13:00:00+00:00", "0 s ago"),
        ("2026-03-01T11:58:01+00:00", "119 s ago"),
        ("2026-03-01T11:58:00+00:00", "2 min ago"),
        ("2026-03-01T10:00:00+00:00", "2 h ago"),
        ("2026-02-27T12:00:00+00:00", "2 days ago"),
    ],
)
def test_how_long_ago(moment, said):
    assert ago(moment, START) == said
    assert ago(moment, datetime(2026, 3, 1, 12, tzinfo=timezone.utc)) == said
