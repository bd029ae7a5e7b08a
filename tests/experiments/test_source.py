from pathlib import Path

from click.testing import CliRunner

from benchmarks.rows import read
from edge.family import Manifest
from experiments.source import POINTS, PROTOCOL, edges, main, protocol_key
from pipeline import params
from pipeline.params import PARAMS_FILE
from pipeline.verify import FAMILY_FOLDER
from tests.edge.test_bench import TARGET
from tests.pipeline.made_up import small_cells

SPACE = small_cells("relu_conv_k3", "max_pool_bn_k3", "skip")
# one normal cell: conv and pool, skip and conv; two reducing: pool twice, pool and skip
NETWORK = SPACE.architecture([0, 1, 2, 0, 3, 1, 1, 1, 2, 3])
COUNTS = {"conv": 2, "pool": 1 + 2 * 3, "identity": 1 + 2}
LATENCY = {
    "target": TARGET.model_dump(),
    **dict.fromkeys(("median_ms", "lo_ms", "hi_ms"), 0.1234),
    "n": 1,
    "verdict": "clean",
    "measured_at": "2026-01-01T00:00:00Z",
}


def keep(root: Path, names, latencies=(LATENCY,), protocol=None):
    """The result of the command about a run in `root` that has the members `names`."""
    members = [
        {
            "name": name,
            "architecture": NETWORK.to_dict(),
            "holdout_accuracy": 0.5,
            "test_accuracy": 0.8765,
            "macs": 5,
            "parameters": 12_340,
            "latencies": latencies,
        }
        for name in names
    ]
    manifest = {"dataset": "d", "classes": ["a"], "input_shape": [1, 8, 8], "mean": [0], "std": [1]}
    (root / FAMILY_FOLDER).mkdir(parents=True)
    Manifest.model_validate({**manifest, "members": members}).write(root / FAMILY_FOLDER)
    (root / PARAMS_FILE).write_bytes((protocol or PROTOCOL).read_bytes())
    return CliRunner().invoke(main, [str(root), "--out", str(root / "rows.jsonl")])


def test_operations_are_counted_on_edges_and_nowhere_else():
    """The 1x1 convolutions before the cells, the additions and concatenations are none."""
    assert edges(NETWORK) == {"relu_conv_k3": 2, "max_pool_bn_k3": 7, "skip": 3}


def test_the_four_points_are_kept_whatever_else_the_run_found(tmp_path):
    done = keep(tmp_path, ["within-1ms", *reversed(POINTS)])
    assert done.exit_code == 0, done.output
    rows = read(tmp_path / "rows.jsonl")
    assert [(row["point"], row["penalised"]) for row in rows] == list(POINTS.items())
    assert {row["target"] for row in rows} == {str(TARGET)}
    assert rows[0]["counts"] == COUNTS
    assert rows[0]["median_ms"] == 0.1234
    assert (rows[0]["parameters"], rows[0]["test_accuracy"]) == (12_340, 0.8765)


def test_a_point_that_found_the_network_of_another_has_no_figures(tmp_path):
    assert keep(tmp_path, ["uniform", "few-conv", "few-pool"]).exit_code == 0
    last = read(tmp_path / "rows.jsonl")[-1]
    assert last == {"point": "few-skip", "penalised": "identity", "protocol": protocol_key()}


def test_an_unfinished_run_leaves_no_rows(tmp_path):
    done = keep(tmp_path, [*POINTS], latencies=[])
    assert done.exit_code == 1
    assert "uniform is not measured yet: run all stages first" in done.output
    assert not (tmp_path / "rows.jsonl").exists()


def test_a_run_of_something_else_leaves_no_rows(tmp_path):
    done = keep(tmp_path, [*POINTS], protocol=Path("presets/cell.yaml"))
    assert done.exit_code == 1
    assert f"{tmp_path} is no run of {PROTOCOL}: python -m pipeline smoke" in done.output
    assert not (tmp_path / "rows.jsonl").exists()


def test_the_protocol_reads_the_points_of_the_source():
    protocol = params.load(PROTOCOL)
    assert list(protocol.extract.points) == list(POINTS)


def test_comments_change_no_protocol(tmp_path):
    text = PROTOCOL.read_text()
    for changed, same in (
        (f"# other\n{text}", True),
        (text.replace("epochs: 20", "epochs: 2"), False),
    ):
        (tmp_path / "run.yaml").write_text(changed)
        assert (protocol_key(tmp_path / "run.yaml") == protocol_key()) == same
