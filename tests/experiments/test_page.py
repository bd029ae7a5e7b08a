from experiments.page import page, verdict
from experiments.results import families
from tests.experiments.made_up import cell, settings, timed, trained


def found(accuracies):
    """simplex, control and random with two seeds: each a network of 1 ms, by its accuracy."""
    cells, networks, latencies = [], [], []
    for arm, by_seed in accuracies.items():
        for seed, accuracy in enumerate(by_seed):
            name = f"{arm}{seed}"
            cells.append(cell(arm, seed, {1.0: name, 2.0: name}))
            networks.append(trained(name, seed, accuracy))
            latencies.append(timed(name, 1.0))
    return families(cells, networks, latencies)


def test_the_first_line_says_so_when_a_control_ties():
    same = found({"simplex": [0.9, 0.9], "control": [0.9, 0.9], "random": [0.85, 0.85]})
    first = page(same, settings(), "a machine").splitlines()[0]
    # 0.10 above the floor against 0.05: twice as much
    assert first == (
        "**simplex TIES with control (+0.0 ± 0.0); simplex beats random (+100.0 ± 0.0).**"
    )


def test_a_loss_and_what_is_not_shown_are_told_too():
    worse = found({"simplex": [0.85, 0.86], "control": [0.9, 0.95], "random": [0.9, 0.82]})
    told = verdict(worse, settings())
    assert "simplex LOSES to control" not in told  # two seeds that differ show nothing
    assert "is not shown to beat control" in told
    clearly = found({"simplex": [0.85, 0.85], "control": [0.9, 0.9], "random": [0.9, 0.9]})
    assert "simplex LOSES to control (-50.0 ± 0.0)" in verdict(clearly, settings())


def test_every_arm_has_its_rows():
    text = page(found({"simplex": [0.9], "random": [0.85]}), settings(), "a machine")
    assert "| simplex | 1 | 10.00 |  |  | 0.0 | 1.0 | 7.0 |" in text
    assert "| random | 1 | 5.00 | +100.0, one seed | undecided | 50.0 | 1.0 | 7.0 |" in text
    assert "| simplex | 90.00 at 1.000 | 90.00 at 1.000 |" in text
    assert "| simplex | 10 | 5 | 2 | 17 |" in text
    assert "Machine: a machine" in text


def test_without_a_finished_cell_it_says_what_to_do():
    assert "No cell is finished yet: `make experiments`" in page([], settings(), "")
