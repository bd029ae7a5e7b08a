import numpy as np
import torch
from torch import nn

from pipeline.batches import Images
from pipeline.confusion import confusion, from_csv, to_csv
from tests.pipeline.made_up import noise


class Brightness(nn.Module):
    """Takes bright images for class 0 and the others for class 2."""

    def forward(self, x):
        bright = x.mean((1, 2, 3)) > 0
        return torch.nn.functional.one_hot(torch.where(bright, 0, 2), 3).float()


def test_counts_are_by_what_images_are_and_what_they_are_taken_for():
    data = noise()
    images = Images.test(data)
    bright = (images.take(slice(None))[0].mean((1, 2, 3)) > 0).numpy()
    expected = [[0, 0, 0] for _ in range(3)]
    for label, is_bright in zip(data.test_y.tolist(), bright.tolist(), strict=True):
        expected[label][0 if is_bright else 2] += 1
    counts = confusion(Brightness(), images, 3)
    assert counts.tolist() == expected
    assert counts[:, 1].sum() == 0
    assert counts.sum() == 30


def test_a_label_may_hold_what_separates_fields():
    counts = np.array([[3, 1], [0, 2]])
    text = to_csv(counts, ("a, b", 'the "c"'))
    assert text == 'images of,"a, b","the ""c"""\n"a, b",3,1\n"the ""c""",0,2\n'
    assert from_csv(text).tolist() == counts.tolist()
