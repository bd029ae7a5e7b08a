import torch

from models.network import network
from pipeline.data_shape import DataShape
from pipeline.params import MBConvParams
from pipeline.space import make_space


def test_the_default_preset_is_nine_places_of_three_elastic_stages_between_five_fixed_rows():
    space = make_space(MBConvParams(), DataShape((1, 28, 28), 10))
    assert space.name == "mbconv"
    assert space.operations == MBConvParams().operations
    assert [step.place for step in space.steps] == [
        *("stem", "stage1.1", "stage1.2"),
        *("down2", "stage2.1", "stage2.2", "stage2.3"),
        *("down3", "stage3.1", "stage3.2", "stage3.3", "stage3.4", "head"),
    ]
    assert (len(space.decisions), space.elastic) == (9, (0, 1, 2))
    assert space.steps[-1].block.key == "head_128:128x4x4-10:s1:relu"  # 28 → 14 → 7 → 4


def test_every_parameter_reaches_the_space():
    params = MBConvParams(
        stem_width=6,
        stem_stride=1,
        widths=(8, 12),
        depths=(1, 2),
        head_width=20,
        act="hardswish",
        operations=("skip", "conv_k5"),
    )
    space = make_space(params, DataShape((3, 16, 24), 7))
    architecture = space.architecture([1, 0, 1])
    assert [row.block.key for row in architecture.rows] == [
        "conv_k3:3x16x24-6:s1:hardswish",
        "conv_k3:6x16x24-8:s1:hardswish",
        "conv_k5:8x16x24-8:s1:hardswish",
        "conv_k3:8x16x24-12:s2:hardswish",
        "conv_k5:12x8x12-12:s1:hardswish",
        "skip:12x8x12-12:s1:hardswish",
        "head_20:12x8x12-7:s1:hardswish",
    ]
    net = network(architecture)
    assert net(torch.zeros(2, 3, 16, 24)).shape == (2, 7)
