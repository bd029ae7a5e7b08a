from itertools import pairwise

import numpy as np
import pytest
import torch

from pipeline.batches import Augmentation, Images, at_step, shuffled
from pipeline.dataset import Dataset


def data():
    """Two colour images of 1×2 pixels to learn from, one held out, one to test."""
    train_x = [
        [[[0, 51], [255, 51]]],  # (H, W, C): the second channel is 0.2 everywhere but once
        [[[0, 51], [255, 102]]],
        [[[9, 9], [9, 9]]],
    ]
    return Dataset(
        train_x=np.array(train_x, np.uint8),
        train_y=np.array([3, 1, 2]),
        test_x=np.full((1, 1, 2, 2), 255, np.uint8),
        test_y=np.array([7]),
        classes=tuple("abcdefgh"),
        weights=np.array([0]),
        architecture=np.array([1]),
        holdout=np.array([2]),
    )


def numbered(count, size=1):
    """Images of one grey level each: the first is 0, the next is 1; labels say the same."""
    levels = torch.arange(count, dtype=torch.uint8)
    pixels = levels[:, None, None, None].expand(count, 1, size, size).contiguous()
    return Images(pixels, torch.arange(count), torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def labels(batches):
    return [y.tolist() for _, y in batches]


def test_pixels_are_normalised_by_what_is_learned_from():
    """First channel: 0 and 1 equally often. Second: 0.2 three times, 0.4 once."""
    x, y = Images.part(data(), np.array([1, 0])).take(slice(None))
    deviation = 0.05 * 3**0.5  # of 0.25 on average: √((3·0.05² + 0.15²) / 4)
    low, high = -0.05 / deviation, 0.15 / deviation
    expected = [[[[-1.0, 1.0]], [[low, high]]], [[[-1.0, 1.0]], [[low, low]]]]
    torch.testing.assert_close(x, torch.tensor(expected))
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert y.tolist() == [1, 3]


def test_test_images_are_normalised_like_the_others():
    images = Images.test(data())
    x, y = images.take(slice(None))
    assert len(images) == 1
    torch.testing.assert_close(x[0, 0], torch.ones(1, 2))
    assert y.tolist() == [7]


def test_images_move_to_a_device_as_a_whole():
    moved = numbered(2).to(torch.device("meta"))
    tensors = (moved.pixels, moved.labels, moved.mean, moved.std)
    assert {tensor.device.type for tensor in tensors} == {"meta"}


@pytest.mark.parametrize(
    ("batch_size", "expected"), [(2, [[0, 1], [2, 3], [4]]), (9, [[0, 1, 2, 3, 4]])]
)
def test_in_order_is_complete(batch_size, expected):
    batches = list(numbered(5).in_order(batch_size))
    assert labels(batches) == expected
    torch.testing.assert_close(batches[0][0].flatten(), torch.tensor(expected[0]) / 255)


def test_an_epoch_has_full_batches_of_different_images():
    batches = list(shuffled(numbered(7), 3, seeded()))
    assert [x.shape for x, _ in batches] == [(3, 1, 1, 1)] * 2  # the seventh is left out
    assert len({label for batch in labels(batches) for label in batch}) == 6
    for x, y in batches:
        torch.testing.assert_close(x.flatten(), y / 255)  # a label stays with its image


def test_a_generator_goes_on_to_another_order_and_a_seed_repeats_it():
    draws = seeded(1)
    first, second = labels(shuffled(numbered(9), 3, draws)), labels(shuffled(numbered(9), 3, draws))
    assert first != second
    assert labels(shuffled(numbered(9), 3, seeded(1))) == first


def test_the_same_seed_augments_the_same():
    images, augment = picture(16), Augmentation(shift=2, flip=True)
    one, same, other = (next(shuffled(images, 16, seeded(n), augment))[0] for n in (5, 5, 6))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def picture(count, height=5, width=6):
    """The same image `count` times; no two of its pixels are equal, none is black."""
    one = torch.arange(1, 1 + height * width, dtype=torch.uint8).view(1, 1, height, width)
    zero, unit = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
    pixels = one.expand(count, -1, -1, -1).contiguous()
    return Images(pixels, torch.zeros(count, dtype=torch.int64), zero, unit)


def moved(image, down, right):
    """`image` (H, W) by whole pixels, black where nothing was."""
    height, width = image.shape
    result = torch.zeros_like(image)
    for y in range(height):
        for x in range(width):
            if 0 <= y - down < height and 0 <= x - right < width:
                result[y, x] = image[y - down, x - right]
    return result


@pytest.mark.parametrize("n", [1, 2])
def test_a_shift_is_every_move_of_up_to_n_pixels_and_black_behind_it(n):
    images = picture(400)
    drawn = {
        tuple(x.flatten().tolist()) for x in Augmentation(n, flip=False)(images.pixels, seeded())
    }
    steps = range(-n, n + 1)
    every = {
        tuple(moved(images.pixels[0, 0], down, right).flatten().tolist())
        for down in steps
        for right in steps
    }
    assert drawn == every
    assert len(every) == (2 * n + 1) ** 2


def test_flips_mirror_exactly_and_half_of_the_time():
    pixels = picture(400).pixels
    augmented = Augmentation(shift=0, flip=True)(pixels, seeded())
    flipped = (augmented == pixels.flip(3)).all((1, 2, 3))
    kept = (augmented == pixels).all((1, 2, 3))
    assert (flipped ^ kept).all()
    assert 160 < int(flipped.sum()) < 240  # 200, give or take 4 deviations of 10


def test_a_flipped_image_is_shifted_too():
    pixels = picture(400).pixels
    drawn = {tuple(x.flatten().tolist()) for x in Augmentation(1, flip=True)(pixels, seeded())}
    mirrored = pixels[0, 0].flip(1)
    assert tuple(moved(mirrored, 1, -1).flatten().tolist()) in drawn
    assert len(drawn) == 2 * 9


def test_channels_move_together():
    pixels = picture(20).pixels.expand(-1, 3, -1, -1)
    augmented = Augmentation()(pixels, seeded())
    assert torch.equal(augmented[:, 0], augmented[:, 2])


def test_without_shift_and_flip_nothing_happens():
    pixels = picture(3).pixels
    assert torch.equal(Augmentation(shift=0, flip=False)(pixels, seeded()), pixels)


def test_augmentation_leaves_the_data_set_alone():
    images = picture(8)
    before = images.pixels.clone()
    list(shuffled(images, 4, seeded(), Augmentation()))
    assert torch.equal(images.pixels, before)


def test_steps_of_an_epoch_are_different_images_and_epochs_different_orders():
    """Seven images in batches of three are two steps an epoch."""
    steps = [at_step(numbered(7), 3, seed=0, step=n)[1].tolist() for n in range(6)]
    epochs = [first + second for first, second in zip(steps[::2], steps[1::2], strict=True)]
    assert [len(set(epoch)) for epoch in epochs] == [6, 6, 6]
    assert all(one != other for one, other in pairwise(epochs))


def test_a_step_is_a_function_of_its_seed_and_number():
    x, y = at_step(numbered(50), 8, seed=3, step=1000)
    again, other = (at_step(numbered(50), 8, seed, 1000)[1] for seed in (3, 4))
    assert torch.equal(y, again)
    assert not torch.equal(y, other)
    torch.testing.assert_close(x.flatten(), y / 255)


def test_a_step_augments_its_images_as_its_number_says():
    images, augment = picture(8), Augmentation(1, flip=False)
    plain, first, again, other = (
        at_step(images, 8, seed=0, step=step, augment=change)[0]
        for step, change in ((5, None), (5, augment), (5, augment), (6, augment))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    picture_of = plain[0, 0]
    moves = [moved(picture_of, down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    assert all(any(torch.equal(x[0], move) for move in moves) for x in first)


def test_fewer_images_than_a_batch_are_one_batch():
    assert sorted(at_step(numbered(3), 8, seed=0, step=5)[1].tolist()) == [0, 1, 2]
