import math

import pytest
import torch

from pipeline.search.gumbel import gumbel_noise


def test_its_mean_is_eulers_constant_and_its_variance_a_sixth_of_pi_squared():
    noise = gumbel_noise((200, 500), torch.Generator().manual_seed(0))
    assert float(noise.mean()) == pytest.approx(0.5772, abs=0.02)
    assert float(noise.var()) == pytest.approx(math.pi**2 / 6, rel=0.03)


def test_it_is_finite_at_both_ends_of_the_uniform(monkeypatch):
    monkeypatch.setattr(torch, "rand", lambda *_, generator: torch.tensor([0.0, 1.0]))
    low, high = gumbel_noise((2,), torch.Generator()).tolist()
    assert low == pytest.approx(-math.log(-math.log(1e-10)))
    assert 15 < high < 17
