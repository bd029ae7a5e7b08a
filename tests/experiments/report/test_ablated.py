from experiments.report.ablated import ablations
from experiments.settings import Ablations
from tests.experiments.made_up import study

SETTINGS = Ablations.model_validate(
    {
        "base": "presets/smoke.yaml",
        "first": "full",
        "arms": {
            "full": {"seeds": 2},
            "deaf": {"seeds": 2},
            "narrow": {"seeds": 1, "overrides": {"space": {"widths": [4, 8]}}},
        },
    }
)


def bins(*both):
    """From 1 ms on, of the search and the control."""
    return [
        {"low_ms": 2.0**n, "high_ms": 2.0 ** (n + 1), "search": one, "control": other}
        for n, (one, other) in enumerate(both)
    ]


def row(arm, seed, both, worst=-0.5):
    return {
        "arm": arm,
        "seed": seed,
        "bins": both,
        "quick_bins": bins((0.5, 0.5), (0.5, 0.5)),
        "judged": [[0, 0.6, 0.50], [0, 0.5, 0.52], [0, 0.7, 0.55], [1, 0.3, 0.3]],
        "distinct_argmax": 10,
        "argmax_span": 4.0,
        "steering": {"skip": worst, "conv": -0.9},
        "thrift": -0.75,
    }


def test_fronts_are_compared_with_the_control_and_with_the_method_as_it_is(task):
    rows = [
        row("full", 0, bins((0.40, 0.42), (0.30, 0.32))),
        row("deaf", 0, bins((0.43, 0.42), (0.33, 0.32)), worst=0.2),
        row("deaf", 1, bins((0.1, 0.1))),  # full has no such seed
        row("narrow", 0, bins((0.2, 0.3), (0.2, 0.3))),  # another space: nothing to compare
    ]
    text = ablations(study(task.root, ablations=SETTINGS, ablated=rows))
    assert "| full | 1 | -0.0200, one seed |  | 10.0 | 4.0 | 2 of 2 (-0.50) | -0.75 |" in text
    # deaf: +0.01 in the bins of one seed and 0 in that of the other against its control, and t of
    # 95 % with one degree of freedom is 12.7062; +0.03 in both bins against full
    deaf = next(line for line in text.splitlines() if line.startswith("| deaf"))
    assert deaf.startswith("| deaf | 2 | +0.0050 ± 0.0635, 2 seeds | +0.0300, one seed |")
    assert "1 of 2 (+0.20)" in deaf
    assert "| narrow | 1 | -0.1000, one seed |  |" in text


def test_the_bins_of_a_seed_are_one_value(task):
    rows = [
        row("full", 0, bins(*16 * [(0.40, 0.40)])),
        row("full", 1, bins(*16 * [(0.40, 0.40)])),
        row("deaf", 0, bins(*16 * [(0.41, 0.40)])),
        row("deaf", 1, bins((0.43, 0.40))),
    ]
    text = ablations(study(task.root, ablations=SETTINGS, ablated=rows))
    # 0.01 and 0.03, whatever their bins: 12.7062 times 0.01414 by the root of two
    assert "| deaf | 2 | +0.0200 ± 0.1271, 2 seeds | +0.0200 ± 0.1271, 2 seeds |" in text


def test_a_seed_without_a_shared_bin_is_no_value(task):
    rows = [row("full", 0, bins((0.40, 0.42))), row("full", 1, []), row("deaf", 0, [])]
    text = ablations(study(task.root, ablations=SETTINGS, ablated=rows))
    assert "| full | 2 | -0.0200, one seed |" in text
    assert "| deaf | 1 |  |  |" in text


def test_what_the_quick_look_would_have_said(task):
    rows = [row("full", 0, bins((0.40, 0.42), (0.30, 0.32)))]
    text = " ".join(ablations(study(task.root, ablations=SETTINGS, ablated=rows)).split())
    # one of three pairs is in opposite order; its best costs 0.02 in one of two bins
    assert "Kendall's tau +0.33; the best of a bin by the quick look is worse by 0.0100" in text
    assert "the quick look says +0.0000, one seed." in text


def test_without_rows_there_is_no_section(task):
    assert ablations(study(task.root, ablations=SETTINGS)) == ""
    assert ablations(study(task.root)) == ""
