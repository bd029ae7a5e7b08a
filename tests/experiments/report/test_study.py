import pytest

from benchmarks.rows import append
from experiments import rows
from experiments.report.study import read
from pipeline.training import essentials
from tests.experiments.conftest import ROOT
from tests.experiments.made_up import study, timed, trained


@pytest.fixture
def folder(task):
    """A task with a protocol, and no rows yet."""
    for name in ("params.yaml", "base.yaml"):
        (task.root / "experiments/fashion" / name).symlink_to(ROOT / "experiments/fashion" / name)
    return task


def recipe(folder, seed, **changes):
    given = study(folder.root, settings=read(folder).settings).params.retrain
    return {**essentials(given), "seed": seed, **changes}


def test_what_was_trained_again_counts_once_and_as_it_was_last(folder):
    for data, accuracies in (("of old", (0.68, 0.72)), ("new", (0.78, 0.82))):
        for seed, accuracy in enumerate(accuracies):
            row = trained("resnet8-4", seed, accuracy, key=f"{data}{seed}", reference="resnet8")
            append(folder.results / rows.NETWORKS, {**row, "recipe": recipe(folder, seed)})
    append(folder.results / rows.LATENCIES, timed("resnet8-4", 0.1))
    found = read(folder)
    assert [row["key"] for row in found.networks] == ["new0", "new1"]
    (one,) = found.handmade
    assert (one.seeds, one.point.accuracy) == (2, pytest.approx(0.8))


def test_rows_of_another_recipe_or_of_none_are_left_out(folder):
    own = {**trained("a", 0, 0.9), "recipe": recipe(folder, 0)}
    others = {**trained("a", 0, 0.1), "recipe": recipe(folder, 0, epochs=99)}
    for row in (own, others, trained("a", 0, 0.2)):
        append(folder.results / rows.NETWORKS, row)
    assert read(folder).networks == [own]
