import pytest
import torch

from pipeline.search.baseline import MovingBaseline


def test_what_is_subtracted_is_the_moving_mean_of_what_came_before():
    baseline = MovingBaseline(keep=0.75)
    assert baseline.advantages(torch.tensor([0.25, 0.75])).tolist() == [-0.25, 0.25]  # its own
    assert baseline.advantages(torch.tensor([0.75, 1.25])).tolist() == [0.25, 0.75]  # less 0.5
    # 0.75 of 0.5 and 0.25 of 1 is 0.625
    assert baseline.mean == pytest.approx(0.625)
    assert baseline.advantages(torch.tensor([0.625])).tolist() == [0.0]
