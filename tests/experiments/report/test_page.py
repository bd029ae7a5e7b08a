from dataclasses import replace

import pytest

from experiments.report.methods import verdict
from experiments.report.page import page, write
from tests.experiments.made_up import cell, compared, settings, study, timed, trained


@pytest.fixture
def root(task):
    return task.root


def test_the_first_line_says_so_when_a_control_ties(root):
    same = compared(root, {"simplex": 5 * [0.9], "control": 5 * [0.9], "random": 5 * [0.85]})
    # 0.10 above the floor against 0.05: twice as much
    assert page([same]).splitlines()[0] == (
        "**fashion: simplex TIES with control (+0.0 ± 0.0 %, 5 seeds); "
        "simplex beats random (+100.0 ± 0.0 %, 5 seeds).**"
    )


def test_a_loss_and_what_is_not_shown_are_told_too(root):
    few = compared(root, {"simplex": [0.85, 0.85], "control": [0.9, 0.9], "random": [0.82, 0.82]})
    told = verdict(few)  # two seeds that agree show nothing
    assert "simplex against control so far -50.0 ± 0.0 %, 2 seeds" in told
    assert "simplex against random so far +150.0 ± 0.0 %, 2 seeds" in told
    assert told.endswith("; a verdict takes 5 seeds.")
    mixed = compared(root, {"simplex": 5 * [0.85], "control": [0.83, 0.9, 0.83, 0.9, 0.83]})
    assert "simplex is not shown to beat control" in verdict(mixed)
    clearly = compared(root, {"simplex": 5 * [0.85], "control": 5 * [0.9]})
    assert "simplex LOSES to control (-50.0 ± 0.0 %, 5 seeds)" in verdict(clearly)


def test_no_control_is_left_out_of_the_first_line(root):
    without = compared(root, {"simplex": 5 * [0.9], "random": 5 * [0.85]})
    assert verdict(without) == (
        "control has no finished seed in common with it yet; simplex beats random (+100.0 ± 0.0 %, "
        "5 seeds); a verdict takes 5 seeds."
    )
    nothing = compared(root, {"simplex": 2 * [0.9], "control": 2 * [0.7], "random": [0.85, 0.7]})
    told = verdict(nothing)  # the floor is 0.8
    assert told.startswith("control has nothing above the floor; ")
    assert "+100.0 %, one seed without 1 in which it has nothing above the floor" in told
    only = compared(root, {"control": 5 * [0.9], "random": 5 * [0.9]})
    assert verdict(only) == "simplex is not finished with any seed yet."


def test_an_arm_of_few_seeds_has_a_difference_and_no_verdict(root):
    arms = {"simplex": 5 * [0.9], "random": 5 * [0.85], "control": 3 * [0.85]}
    text = page([compared(root, arms)])
    assert "| random | 5 | 5.00 ± 0.00 | +100.0 ± 0.0, 5 seeds | wins | met | 50.0 |" in text
    assert "| control | 3 | 5.00 ± 0.00 | +100.0 ± 0.0, 3 seeds | too few seeds |  | 50.0 |" in text
    assert "that all arms have (3)" in text


def test_without_a_seed_that_all_arms_have_there_is_no_regret(root):
    rows = [cell("simplex", 0, {1.0: "a", 2.0: "a"}), cell("random", 1, {1.0: "a", 2.0: "a"})]
    networks = [trained("a", 0, 0.9), trained("a", 1, 0.9)]
    text = page([study(root, cells=rows, networks=networks, latencies=[timed("a", 1.0)])])
    assert "| simplex | 1 | 10.00 |  |  |  |  | 1.0 | 1.0 |" in text
    assert "that all arms have (0)" in text


def test_every_arm_has_its_rows(root):
    text = page([compared(root, {"simplex": [0.9], "random": [0.85]})])
    assert "| simplex | 1 | 10.00 |  |  |  | 0.0 | 1.0 | 1.0 |" in text
    random = "+100.0, one seed | too few seeds |  | 50.0 | 1.0 | 1.0 |"
    assert f"| random | 1 | 5.00 | {random}" in text
    assert "| simplex | 1 | 90.00 at 1.000 | 90.00 at 1.000 |" in text
    # one of two budgets more: half of the extraction
    assert "| simplex | 10 | 5 | 2 | 17 | 1 |" in text
    assert "Machine: a machine; onnxruntime 1, fp32, 1 thread." in text
    assert "± 1.0 % on average, and 0 of 2 measurements are suspect" in text


def test_a_network_above_its_budget_is_no_member_of_it(root):
    one = compared(root, {"simplex": [0.9, 0.8]})
    for seed, of_seed in enumerate(one.cells):
        of_seed["members"][1]["fits"] = False  # at 2 ms none
        of_seed["members"][0]["fits"] = seed == 0  # at 1 ms the first seed's
    assert "| simplex | 2 | 90.00 at 1.000 (1) | – |" in page([one])


def test_a_method_that_searches_per_budget_pays_a_search_for_one_more(root):
    per_price = {"method": "proxylessnas", "searches": 5, "joint_steps": 50}
    arms = {"simplex": {"seeds": 1}, "other": {"seeds": 1, "overrides": {"search": per_price}}}
    text = page([compared(root, {"other": [0.9]}, settings=settings(arms=arms))])
    assert "| other | 10 | 5 | 2 | 17 | 2 |" in text  # a fifth of 5 s, half of 2 s


def test_what_alpha_is_without_training(root):
    steering = {"skip": -0.5, "conv": -0.9}
    of_alpha = {"argmax_span": 5.0, "steering": steering, "thrift": -0.8}
    rows = [
        cell("simplex", 0, {1.0: "a"}, **{**of_alpha, "distinct_argmax": 14}),
        cell("simplex", 1, {1.0: "a"}, **{**of_alpha, "distinct_argmax": 11}),
        cell("additive", 0, {1.0: "a"}, **{**of_alpha, "steering": {"skip": 0.1, "conv": -0.2}}),
    ]
    text = page([study(root, cells=rows)])
    assert "simplex meets it in 1 of 2 seeds" in text  # 11 are below 12
    assert "| simplex | 2 | 12.5 | 11 | 5.0 | 2 of 2 (-0.50) | -0.80 |" in text
    assert "| additive | 1 | 7.0 | 7 | 5.0 | 1 of 2 (+0.10) | -0.80 |" in text


def test_without_a_row_it_says_what_to_do(root):
    assert "No cell is finished yet: `make experiments`" in page([study(root)])


def test_what_is_missing_is_named_with_its_command(root):
    references = {"seeds": 2, "widths": {"resnet8": (4,)}}
    half = compared(
        root,
        {"simplex": [0.9], "random": [0.9]},
        settings=settings(references=references, room={"latencies": 2, "networks": 3}),
        networks=[trained("resnet8-4", 0, 0.8, reference="resnet8")],
        latencies=[],
        foreign=3,
    )
    text = page([half])
    assert "- cells: control (seed 0, 1), simplex (seed 1): `python -m experiments cells`." in text
    assert "- 1 of 2 trainings of hand-designed networks: `" in text
    assert "- latencies of 1 of 3 networks: `python -m experiments measure`" in text
    assert "- 12 of 12 trainings of the room" in text
    assert "- 6 of 6 networks of the room in shared weights" in text
    assert "trainings: `python -m experiments train`" not in text
    assert "- 3 cells are of another protocol" in text


def test_while_a_member_is_not_measured_all_latencies_are_predictions(root):
    measured = compared(root, {"simplex": [0.9], "random": [0.9]})
    half = replace(measured, latencies=measured.latencies[:1])
    text = page([half])
    assert "**fashion: by predicted latency, control has" in text
    assert "**All latencies of the arms are predictions** of the calibrated table: 1 of 2" in text
    assert "at the predicted median" in text
    assert [family.by_budget[1.0].latency_ms for family in half.families] == [1.5, 1.5]
    assert "predicted latency" not in page([measured])


def test_the_first_line_says_when_most_latencies_are_suspect(root):
    one = compared(root, {"simplex": [0.9], "random": [0.9], "control": [0.9]})
    one.latencies[0]["verdict"] = "suspect"
    assert "suspect, " not in verdict(one)
    one.latencies[1]["verdict"] = "suspect"
    assert verdict(replace(one)).startswith("by latencies of which 2 of 3 are suspect, ")


def test_what_was_known_before_its_rows_stands_at_the_head_of_a_task(root):
    told = compared(root, {"simplex": [0.9]}, settings=settings(known_before="the test images"))
    assert "Known before these rows: the test images" in page([told])
    assert "Known before" not in page([compared(root, {"simplex": [0.9]})])


def test_cells_of_other_code_are_not_compared_in_silence(root):
    same = compared(root, {"simplex": [0.9], "random": [0.9]})
    assert "versions of the code" not in page([same])
    same.cells[0]["made_by"] = ["torch 2.0", "a digest"]
    assert "Cells are of 2 versions of the code or of PyTorch." in page([same])


def test_hand_designed_networks_are_not_compared_with_predictions(root):
    told = [trained("resnet8-4", 0, 0.8, reference="resnet8")]
    measured = compared(
        root, {"simplex": [0.9]}, networks=told, latencies=[timed("resnet8-4", 0.5)]
    )
    assert len(measured.handmade) == 1
    assert replace(measured, latencies=measured.latencies[1:]).handmade == []


def test_a_task_that_has_no_row_is_only_named(root):
    told = compared(root, {"simplex": [0.9]})
    text = page([told, study(root)])
    assert text.count("\n## ") == 1
    assert "Tasks without a row yet: fashion." in text


def test_the_committed_page_is_what_the_committed_rows_say(request, tmp_path):
    repository = request.config.rootpath
    committed = repository / "docs/results.md"
    if not committed.exists():
        pytest.skip("no results are committed")
    for name in ("experiments", "presets"):
        (tmp_path / name).symlink_to(repository / name)
    (tmp_path / "benchmarks").symlink_to(repository / "benchmarks")
    write(tmp_path)
    assert (tmp_path / "docs/results.md").read_text() == committed.read_text()


def test_figures_are_drawn_where_there_is_something_to_draw(root, monkeypatch):
    from experiments.report import page as module

    (root / "experiments/fashion").mkdir(exist_ok=True)
    (root / "experiments/fashion/params.yaml").touch()
    one = compared(
        root,
        {"simplex": [0.9, 0.91], "random": [0.85]},
        networks=[trained("resnet8-4", 0, 0.8, reference="resnet8")],
        latencies=[timed("resnet8-4", 0.5)],
    )
    monkeypatch.setattr(module.study, "read", lambda _: one)
    write(root)
    figure = root / "docs/figures/experiments-fashion-fronts.svg"
    first = figure.read_bytes()
    assert first.startswith(b"<?xml")
    assert not (figure.parent / "experiments-fashion-networks.svg").exists()
    assert "figures/experiments-fashion-fronts.svg" in (root / "docs/results.md").read_text()
    write(root)
    assert figure.read_bytes() == first
