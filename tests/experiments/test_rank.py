from dataclasses import replace
from types import SimpleNamespace

from benchmarks.room.sample import Drawn
from benchmarks.rows import append
from experiments import rank, rows
from experiments.folder import TaskFolder
from tests.pipeline.extraction.made_up import candidate
from tests.pipeline.made_up import small_space

SPACE = small_space("skip", "conv_k3")


def drawn(latency_ms, choices):
    return Drawn(latency_ms, latency_ms, choices, SPACE.architecture(choices))


def test_what_has_no_row_is_judged_latency_by_latency(tmp_path):
    looked_at = []

    def screen(candidates, label):
        looked_at.append((label, len(candidates)))
        return [replace(c, screened_cross_entropy=0.5) for c in candidates]

    def judge(candidates, label):
        return [replace(c, cross_entropy=0.25, accuracy=0.75) for c in candidates]

    extraction = SimpleNamespace(
        predictor=SimpleNamespace(
            candidates=lambda found: [candidate(one.choices, 0.1) for one in found]
        ),
        judge=SimpleNamespace(screen=screen, judge=judge),
    )
    task = TaskFolder("fashion", tmp_path)
    networks = [drawn(0.1, (0, 1)), drawn(0.1, (1, 1)), drawn(0.2, (0, 0))]
    known = {"key": "k", "architecture": networks[0].architecture.key}
    append(task.results / rows.RANK, known)
    append(task.results / rows.RANK, {**known, "key": "of another search"})
    rank.judge(networks, extraction, "k", task)
    assert looked_at == [("100 µs", 1), ("200 µs", 1)]
    _, _, one, other = rows.of(rows.RANK, task)
    assert one["architecture"] == networks[1].architecture.key
    assert (one["quick_cross_entropy"], one["cross_entropy"], one["accuracy"]) == (0.5, 0.25, 0.75)
    assert one["macs"] > other["macs"] > 0
    rank.judge(networks, extraction, "k", task)
    assert len(rows.of(rows.RANK, task)) == 4
