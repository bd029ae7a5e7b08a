"""BatchNorm statistics: left alone, or set to what an architecture needs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.norms import frozen_statistics, norms, reestimate


def layer() -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(1), nn.ReLU())


def batch(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None, None, None]


def test_every_norm_is_found() -> None:
    assert len(norms(nn.Sequential(layer(), layer()))) == 2


def test_frozen_statistics_normalise_by_the_batch_and_keep_the_running_ones() -> None:
    net = layer().eval()
    with frozen_statistics(net):
        y = net(batch(10.0, 30.0))  # mean 20, standard deviation 10
    assert y.flatten().tolist() == pytest.approx([0.0, 1.0], abs=1e-4)
    assert net[0].running_mean.item() == 0.0
    assert net[0].running_var.item() == 1.0
    assert net[0].momentum == 0.1
    assert not net.training


def test_frozen_statistics_are_thawed_after_an_error() -> None:
    net = layer()
    with pytest.raises(ZeroDivisionError), frozen_statistics(net):
        raise ZeroDivisionError
    assert net[0].momentum == 0.1
    assert net.training


def test_reestimated_statistics_are_the_plain_mean_over_the_batches() -> None:
    net = layer()
    net(batch(500.0, 700.0))  # what other paths have left behind
    reestimate(net, net, [batch(1.0, 3.0), batch(5.0, 7.0)])
    assert net[0].running_mean.item() == pytest.approx((2 + 6) / 2)
    assert net[0].running_var.item() == pytest.approx(2.0)  # unbiased, of both batches
    assert net[0].momentum == 0.1
    assert not net.training
