from pathlib import Path

from experiments.points import edges, medians_ms, table
from pipeline.members import TrainedMember
from tests.pipeline.made_up import small_cells

SPACE = small_cells("relu_conv_k3", "max_pool_bn_k3", "skip")
# one normal cell: conv and pool, skip and conv; two reducing: pool twice, pool and skip
NETWORK = SPACE.architecture([0, 1, 2, 0, 3, 1, 1, 1, 2, 3])


def member(name, parameters, accuracy):
    return TrainedMember(
        name=name,
        architecture=NETWORK.to_dict(),
        origin={},
        budget_ms=None,
        holdout_accuracy=0.0,
        test_accuracy=accuracy,
        macs=1,
        parameters=parameters,
        weights="",
        cpu_s=0.0,
    )


def test_operations_are_counted_on_edges_and_nowhere_else():
    """The 1x1 convolutions before the cells, the additions and concatenations are none."""
    assert edges(NETWORK) == {"relu_conv_k3": 2, "max_pool_bn_k3": 1 + 2 * 3, "skip": 1 + 2}


def test_points_stand_beside_what_was_published():
    members = {one.name: one for one in (member("uniform", 12_340, 0.8765),)}
    lines = list(table(members, {"uniform": 0.1234}))
    assert lines[2] == "| uniform | 2 | 7 | 3 | 12.3 | 87.6 | 0.123 | 38 | 82.5 |"
    assert lines[3] == "| few-conv | – | – | – | – | – | – | 5 | 79.2 |"
    assert len(lines) == 2 + 4


def test_medians_are_those_of_the_first_target(tmp_path: Path):
    path = tmp_path / "members.csv"
    path.write_text("name,target,measured_ms\na,one,0.5\nb,one,0.7\na,two,9\nb,two,9\n")
    assert medians_ms(path) == {"a": 0.5, "b": 0.7}
