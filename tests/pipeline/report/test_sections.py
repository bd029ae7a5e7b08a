"""Every number that is shown comes from the data."""

from __future__ import annotations

import pytest

from pipeline.report import (
    accuracy,
    architectures,
    control,
    cost,
    members,
    prediction,
    steering,
    training,
)
from pipeline.report.stage import page
from pipeline.report.theme import looks
from tests.pipeline.made_up import small_space
from tests.pipeline.report.made_up import BEATEN, FAST, ORT, SLOW, Page, bare, full


@pytest.fixture(scope="module")
def seen():
    return Page(page(full()))


def test_the_front_is_of_the_holdout_images_although_test_accuracy_is_drawn():
    found = {p.member.name: p.on_front for p in accuracy.points(full(), ORT)}
    assert found == {"fast": True, "beaten": False, "slow": True}  # beaten has 81 % on the test


def test_members_of_equal_accuracy_are_on_the_front_only_once():
    tied = SLOW.model_copy(update={"holdout_accuracy": 0.80})
    assert [p.on_front for p in accuracy.points(bare(FAST, tied), ORT)] == [True, False]


def test_accuracy_says_what_it_shows(seen):
    section = accuracy.section(full())
    assert "slow is the best on the hold-out images (90.00 %)" in section.lead
    assert "88.00 % of the test images" in section.lead
    (figure,) = section.figures
    assert "from 1.00 to 4.00 ms, 4.0 times" in figure.caption
    assert "1 of 2 budgets are met" in figure.caption
    assert "for a p95 of slow." in figure.caption
    assert "1 fast: 79.00 % at 1.00 ms; 2 beaten: 81.00 % at 2.00 ms" in seen.labels[0]


def test_wilson_of_nine_in_ten():
    # (0.9 + 0.19207) / 1.38415 = 0.78898; half of it 1.95996·sqrt(0.009 + 0.009604) / 1.38415
    low, high = accuracy.wilson(0.9, 10)
    assert (low + high) / 2 == pytest.approx(0.78898, abs=1e-4)
    assert (high - low) / 2 == pytest.approx(0.19314, abs=1e-4)


def test_the_table_has_every_number_of_a_member(seen):
    network = ["1 fast", "80.00 %", "79.00 %", "1.23", "45.7", "1.60", "yes"]
    assert seen.row("1 fast") == [*network, "1.00", "1.50", "123", "2.50"]
    assert seen.row("3 slow")[6:9] == ["no", "4.00", "–"]


def test_downloads_hold_what_is_drawn(seen):
    first = seen.downloads["members.csv"][0]
    assert (first["name"], first["median_ms"], first["size_bytes"]) == ("fast", "1.0", "123400")
    assert [row["on_front"] for row in seen.downloads["accuracy-1.csv"]] == ["1", "0", "1"]
    assert len(seen.downloads["candidates.csv"]) == 3  # judged ones only
    assert len(seen.downloads["steering.csv"]) == 6


def test_decisions_are_grouped_by_stage_and_named():
    stages = architectures.stages_of([FAST.read_architecture()])
    assert [(s.title, s.places) for s in stages] == [
        ("4 × 8 × 8", ("stage1.1", "stage1.2")),
        ("8 × 4 × 4", ("stage2.1", "stage2.2")),
    ]


def test_where_widths_differ_they_are_shown():
    space = small_space("skip", "sep_k3", stem_width=None, widths=[(2, 4), 8], depths=[1, 1])
    one, other = (space.architecture((1, 0, width)) for width in (0, 1))
    stages = architectures.stages_of([one, other])
    assert [(s.title, s.columns) for s in stages] == [
        ("2 or 4 × 4 × 4", ("channels", "stage1.1")),
        ("8 × 2 × 2", ("stage2.1",)),
    ]
    cells = list(architectures._cells(one, stages, looks(("skip", "sep_k3"))))
    assert [(cell.parts, cell.first) for cell in cells] == [
        *((("2",), True), (("sep", "k3"), False)),
        (("skip",), True),
    ]


def test_operations_are_readable_without_colour(seen):
    rows = [row for row in seen.rows if row[0] == "1 fast"]
    assert rows[1] == ["1 fast", "skip", "skip", "skip", "sep_k3"]
    lead = architectures.section(full()).figures[0].caption
    assert "3 of 4 decisions of fast skip, 0 of 4 decisions of slow skip." in lead


def test_an_operation_that_params_do_not_name_has_a_look_too():
    run = bare(FAST, operations=("skip",))
    assert "sep_" in str(architectures.section(run).figures[0].body)


def test_prediction_errors_are_those_of_the_data():
    section = prediction.section(full())
    # |1 - 1.05| / 1.05 = 4.762 %, |2 - 2.5| / 2.5 = 20 %; the table: 23.81 % and 20 %
    assert "predicted within 12.4 % on average" in section.lead
    assert "alone is off by 21.9 %" in section.lead
    assert "50 % of the measurements" in section.lead
    # members: 10 %, 0 %, 10 %
    assert "3 members" in section.figures[0].caption
    assert "6.67 % on average" in section.figures[0].caption


def test_the_control_is_told_in_numbers():
    section = control.section(full())
    assert "cross-entropy -0.0200 ± 0.0100" in section.lead
    candidates, differences = section.figures
    assert candidates.caption.endswith("2 candidates of the search, 1 of uniform α.")
    assert differences.caption.endswith("it lies below zero.")


def test_a_single_bin_gives_no_interval_and_a_tie():
    numbers = dict(full().metrics["extract"]) | {"control_bins": 1}
    del numbers["control_half_width"]
    section = control.section(full(metrics={"extract": numbers}))
    assert section.lead.startswith("The control TIES: there is too little to compare")
    assert "not shown to be better" in section.figures[1].caption


def test_a_run_that_kept_no_bins_has_its_candidates_drawn():
    assert [figure.name for figure in control.section(full(bins=())).figures] == [
        "control-candidates"
    ]


def test_steering_counts_the_operations_that_listen():
    section = steering.section(full())
    assert "for 2 of 3 operations" in section.lead  # conv_k3 is never chosen
    assert "skip changes most: chosen by 75 % of its decisions at the centre and 25 %" in (
        section.figures[0].caption
    )


def test_a_curve_that_does_not_move_has_no_correlation():
    assert steering.correlation([(0.3, 0.0, 0.0), (1.0, 0.0, 0.0)]) is None
    assert steering.correlation([(0.3, 0.5, 0.5), (1.0, 0.2, 0.1)]) == pytest.approx(-1)


def test_the_search_is_told_by_price():
    section = training.section(full())
    # the first fifth of ten steps is 1.0, the last 0.25; ln 3 = 1.0986
    assert "from 1.00 to 0.25 nats" in section.lead
    assert "all 3 operations is 1.10" in section.lead
    assert "until step 5" in section.lead
    assert "4.00 ms are expected at low prices and 2.00 ms at high ones" in (
        section.figures[0].caption
    )


def test_prices_are_split_evenly_in_logarithm():
    curve = {1: 0.01, 2: 1.0}
    assert [training.third(kappa, curve) for kappa in (0.01, 0.04, 0.1, 0.3, 1.0)] == [
        *(0, 0, 1, 2, 2)
    ]


def test_a_fixed_price_is_one_third():
    assert training.third(0.3, {1: 0.3, 2: 0.3}) == 0


def test_times_are_those_that_stages_recorded(seen):
    assert seen.row("profile") == ["profile", "1 min 50 s", "export 30 s"]
    assert seen.row("retrain") == ["retrain", "1 h 0 min", "CPU 2 h 0 min"]
    assert seen.row("search") == ["search", "–", "–"]
    assert cost.section(full()).lead.startswith("1 h 2 min of wall time in 2 of 8 stages")  # 3710 s
    assert seen.row("load by others")[1] == "25 % to 25 % of all cores"
    assert seen.row("verdicts")[1] == "3 clean"


def test_members_without_a_file_or_a_measurement_have_dashes():
    bare_member = BEATEN.model_copy(update={"artifacts": (), "latencies": ()})
    run = bare(FAST, bare_member)
    assert members.section(run).figures[0].body.rows[1][7:] == ["–"] * 4
