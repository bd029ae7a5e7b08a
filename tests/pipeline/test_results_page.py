"""What README.md says of a made-up run; and that the committed one is told as it is."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from pipeline import docs_pages, params, results_page
from pipeline.params import Params, ParamsError
from pipeline.report.sources import load
from pipeline.results_page import StaleReferences, blocks, results, sections
from tests.pipeline.report import made_up
from tests.pipeline.report.made_up import BEATEN, FAST, LITERT, ORT, SLOW, bare, full

ROOT = Path(__file__).parents[2]
REFERENCES = {
    "plain_cnn_width": 28,
    "resnet8_test_accuracy": 0.85,
    "over_resnet8_test_points": 3.0,  # slow, the best on the hold-out images: 88 % - 85 %
    "over_resnet8_latency_ratio": 0.5,
    "plain_cnn_test_accuracy": 0.8,
    "over_plain_cnn_test_points": -1.0,  # fast: 79 % - 80 %
    "over_plain_cnn_latency_ratio": 0.98,
}
TIED = {"bins": 8, "difference": -0.02, "half_width": 0.03, "win_share": 0.5}


@pytest.fixture(scope="module")
def drawn():
    return sections(full())


def told(run, drawn, **settings):
    return results(run, Params(**settings), drawn).split("\n\n")


def with_references(**changes):
    return full(metrics={**full().metrics, "references": REFERENCES | changes})


def test_the_first_line_is_the_verdict_of_the_control(drawn):
    assert told(full(), drawn)[0].startswith(
        "**This search is ahead of its control: cross-entropy -0.0200 ± 0.0100 against uniform α "
        "at equal latency, better in 75% of 8 bins.** The control is "
    )
    tied = full(metrics={"extract": {f"control_{name}": n for name, n in TIED.items()}})
    assert told(tied, drawn)[0].startswith("**The control TIES: ")
    assert told(full(metrics={}), drawn)[0].startswith("No control was run")


def test_data_day_seeds_and_epochs_are_named(drawn):
    assert told(full(), drawn)[1].startswith(
        "One run on shapes, measured on 2026-01-02, one seed (0), every member trained for "
        "8 epochs. 3 members; slow is the best"
    )
    seeds = "one seed per stage (data 0, profile 0, search 7, extract 0, retrain 0)"
    assert seeds in told(full(), drawn, search={"seed": 7})[1]


def test_every_member_is_a_row_with_a_dash_for_what_is_unknown(drawn):
    assert told(full(), drawn)[2].splitlines() == [
        "| member | budget<br>ms | hold-out<br>% | test<br>% | onnxruntime<br>median<br>ms "
        "| onnxruntime<br>p95 ≤<br>ms | fp32<br>onnx<br>kB | MACs<br>M | params<br>k |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |",
        "| 1 fast | 1.60 | 80.00 | 79.00 | 1.00 | 1.50 | 123 | 1.23 | 45.7 |",
        "| 2 beaten | – | 79.00 | 81.00 | 2.00 | 2.20 | 123 | 1.23 | 45.7 |",
        "| 3 slow | 4.50 | 90.00 | 88.00 | 4.00 | – | 123 | 1.23 | 45.7 |",
    ]


def test_every_runtime_has_columns_and_names_its_machine(drawn):
    latencies = [
        made_up.latency(ORT, 1, 2),
        made_up.latency(LITERT, 3, None, verdict="suspect"),
    ]
    both = made_up.member("both", ["skip"] * 4, 0.8, 0.7, latencies)
    run = bare(both, BEATEN, targets=[ORT, LITERT])
    _, _, table, about, targets, *_ = told(run, drawn)
    row = "| 1 both | – | 80.00 | 70.00 | 1.00 | 2.00 | 3.00 | – | 123 | 123 | 1.23 | 45.7 |"
    assert row in table
    assert "| 2.00 | 2.20 | – | – | 123 | – | 1.23 |" in table  # beaten has no file for LiteRT
    assert about.startswith("p95 is an upper bound of that percentile")
    assert targets.splitlines() == [
        f"- onnxruntime: {ORT} (measurements: 2 clean)",
        f"- litert: {LITERT} (measurements: 1 suspect)",
    ]


def test_the_error_is_that_of_networks_nothing_was_fitted_on(drawn):
    text = "\n".join(told(full(), drawn))
    # |1/1.05 - 1| = 4.76 % and |2/2.5 - 1| = 20 %; the table's: 23.8 % and 20 %
    assert "2 random networks that nothing was fitted on: predicted within 12.4 %" in text
    assert "off by 21.9 %. 50 % of the measurements lie inside" in text
    assert "(Spearman) 1.000. ([drawing](docs/figures/prediction.svg)) 3 members" in text
    assert "predicted within 6.67 % on average" in text  # 10 %, 10 % and 0


def test_hand_designed_networks_and_the_error_of_an_accuracy(drawn):
    text = "\n".join(told(with_references(), drawn))
    assert "slow +3.00 points against ResNet-8 (85.00 %) at 0.50 times its latency" in text
    assert "fast -1.00 points against a plain CNN of width 28 (80.00 %) at 0.98 times" in text
    # sqrt(0.88 * 0.12 / 1000) = 0.01028
    assert "accuracy of 88.00 % is 1.03 points (1000 test images)" in text
    assert "ResNet" not in "\n".join(told(full(), drawn))


def test_a_comparison_with_another_family_is_refused(drawn):
    with pytest.raises(StaleReferences, match="make references"):
        told(with_references(over_resnet8_test_points=2.9), drawn)


def test_time_is_wall_time_and_the_cpu_time_that_was_counted(drawn):
    assert told(full(), drawn)[-1] == (  # 110 s + 3600 s; 7200 s
        "1 h 2 min of wall time in 2 of 8 stages. CPU time: 2 h 0 min in retrain."
    )


def test_the_picture_has_the_numbers_as_text(drawn):
    image, caption = results_page.picture(drawn["accuracy"]).split("\n\n")
    assert image.startswith("![Test accuracy over latency. 1 fast: 79.00 % at 1.00 ms; 2 beaten")
    assert image.endswith("](docs/figures/accuracy.svg)")
    assert "1 of 2 budgets are met" in caption


def test_a_family_that_was_never_measured_is_told_without_drawings():
    run = bare(FAST.model_copy(update={"latencies": ()}))
    found = blocks(run, Params(), sections(run))
    assert found["picture"].endswith("No member was measured on a target.")
    assert "| 1 fast | 1.60 | 80.00 | 79.00 | 123 | 1.23 | 45.7 |" in found["results"]
    assert "docs/figures" not in "".join(found.values())


def test_a_name_is_text_and_ends_no_cell():
    evil = SLOW.model_copy(update={"name": "<!-- | [x](y) *z*"})
    run = bare(evil)
    found = results(run, Params(), sections(run))
    assert "| 1 \\<!-- \\| \\[x\\](y) \\*z\\* | 4.50 |" in found
    assert "is open what the search adds" in found


def git(*arguments):
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """What HEAD holds of a run: one that is in the working tree may be anybody's."""
    if git("cat-file", "-e", f"HEAD:{docs_pages.FAMILY_FILE}") is None:
        pytest.skip("no Git, or no run in its last commit")
    content = git("archive", "HEAD", "README.md", "params.yaml", "results")
    folder = tmp_path_factory.mktemp("committed")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_the_readme_says_what_the_committed_run_gave(committed):
    try:
        settings = params.load(committed / params.PARAMS_FILE)
    except ParamsError as error:
        pytest.skip(f"the last commit has parameters of another version: {error}")
    run = load(settings, committed)
    for name, expected in blocks(run, settings, sections(run)).items():
        pages = [(folder / docs_pages.README).read_text("utf-8") for folder in (committed, ROOT)]
        told = [docs_pages.block(page, name) for page in pages]
        assert expected in told, "README.md tells of another run, or otherwise: make docs"
