"""What several test files of `models` need."""

import pytest
import torch
from torch import nn

from models.supernet import Supernet
from tests.models.made_up import SPACE


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """On tensors this small, threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def lively():
    """Returns a module in evaluation mode with random weights and BatchNorm statistics.

    A new BatchNorm is the identity, which would hide a wrong one.
    """

    def randomize(module):
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.uniform_(-0.5, 0.5, generator=generator)
            for part in module.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.running_mean.uniform_(-0.5, 0.5, generator=generator)
                    part.running_var.uniform_(0.5, 2.0, generator=generator)
        return module.eval()

    return randomize


@pytest.fixture
def supernet(lively):
    return lively(Supernet(SPACE))
