"""A network whose quantisation is worked out by hand."""

import numpy as np
import torch
from torch import nn


def hand_quantised():
    """(network, image): a convolution of two channels, ReLU and a linear layer, whose scales are
    worked out by hand. The image (1, 1, 2, 2) spans 0 to 5.1, the activations 0 to 4 (channel 1
    is 4 - 1.27 of the image), and the weights up to 0.5 and 1.27."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([0.5, -1.27]).reshape(2, 1, 1, 1))
        net[0].bias.copy_(torch.tensor([0.0, 4.0]))
        net[3].weight.copy_(torch.arange(16).reshape(2, 8) / 16)
        net[3].bias.zero_()
    return net, np.array([[[[0.0, 1.0], [2.0, 5.1]]]], np.float32)
