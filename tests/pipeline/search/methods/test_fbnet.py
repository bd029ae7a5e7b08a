"""The formulas of FBNet on numbers that were worked out by hand."""

import math

import pytest
import torch

from pipeline.search.methods.fbnet import fbnet_loss, gumbel_softmax, temperature
from pipeline.sections.baselines import FBNetParams


def test_the_loss_by_hand():
    """CE 1.5, 100 µs: 1.5 · 0.2 · (ln 100)^0.6 = 0.3 · 4.60517^0.6 = 0.3 · 2.50004."""
    loss = fbnet_loss(torch.tensor(1.5), torch.tensor(100.0), 0.2, 0.6)
    assert loss.item() == pytest.approx(0.750013, rel=1e-5)


def test_a_unit_of_the_logarithm_scales_the_loss():
    """Twice the unit, and a quarter of the loss, where β is 2."""
    given = torch.tensor(1.5), torch.tensor(100.0), 0.2, 2.0
    assert fbnet_loss(*given, unit=2.0).item() == pytest.approx(fbnet_loss(*given).item() / 4)


def test_both_factors_have_a_gradient():
    """d/dCE = α L^β, d/dlatency = CE α β L^(β−1) / latency with L = ln e² = 2."""
    loss, us = torch.tensor(1.5, requires_grad=True), torch.tensor(math.e**2, requires_grad=True)
    found = torch.autograd.grad(fbnet_loss(loss, us, 0.2, 2.0), [loss, us])
    assert found[0].item() == pytest.approx(0.2 * 4)
    assert found[1].item() == pytest.approx(1.5 * 0.2 * 2 * 2 / math.e**2)


def test_the_temperature_falls_as_over_the_epochs_of_the_paper():
    options = FBNetParams()
    assert temperature(options, 0.0) == 5.0
    assert temperature(options, 1 / 90) == pytest.approx(5 * math.exp(-0.045))
    assert temperature(options, 1.0) == pytest.approx(5 * math.exp(-4.05))


def test_the_largest_of_a_mask_is_categorical_at_any_temperature():
    alpha = torch.tensor([0.0, math.log(3.0), -torch.inf]).expand(20_000, -1)
    for tau in (5.0, 0.1):
        mask = gumbel_softmax(alpha, tau, torch.Generator().manual_seed(0))
        assert mask.sum(1).tolist() == pytest.approx([1.0] * len(mask), abs=1e-5)
        assert (mask[:, 2] == 0).all()
        assert (mask.argmax(1) == 1).float().mean().item() == pytest.approx(0.75, abs=0.01)


def test_a_hot_mask_is_even_and_a_cold_one_is_certain():
    alpha = torch.zeros(100, 2)
    hot, cold = (gumbel_softmax(alpha, tau, torch.Generator().manual_seed(0)) for tau in (1e3, 0.1))
    assert (hot - 0.5).abs().max() < 0.01
    assert cold.max(1).values.mean() > 0.95
