import numpy as np
import pytest
import torch

from models.alpha import Tables

MASK = np.array([[True, True, False], [True, True, True]])
POINT = torch.tensor([[0.2, 0.3, 0.5]])


def tables():
    alpha = Tables(MASK, operations=3, places=2, prices=[0.1, 10.0])
    alpha.logits[1] = 1.0
    return alpha


@pytest.mark.parametrize(("kappa", "expected"), [(0.01, 0.0), (0.9, 0.0), (1.1, 1.0), (99.0, 1.0)])
def test_the_nearer_price_in_log_answers(kappa, expected):
    (logits,) = tables()(POINT, torch.tensor([kappa]))
    assert logits.tolist() == [[expected, expected, -torch.inf], [expected] * 3]


def test_the_simplex_point_says_nothing():
    points, prices = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]), torch.tensor([0.3, 0.3])
    one, other = tables()(points, prices)
    assert torch.equal(one, other)
