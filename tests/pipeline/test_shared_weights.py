import torch

from pipeline.shared_weights import digest

WEIGHTS = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor(3)}


def test_equal_weights_have_equal_digests_in_any_order_and_layout():
    images = torch.arange(24.0).view(1, 2, 3, 4)
    shuffled = {"b": WEIGHTS["b"].clone(), "a": WEIGHTS["a"].clone()}
    assert digest(WEIGHTS) == digest(shuffled)
    last = images.contiguous(memory_format=torch.channels_last)
    assert digest({"x": images}) == digest({"x": last})
    assert len(digest(WEIGHTS)) == 64


def test_a_name_and_a_value_change_it():
    other_value = WEIGHTS | {"b": torch.tensor(4)}
    other_name = {"a": WEIGHTS["a"], "c": WEIGHTS["b"]}
    assert len({digest(WEIGHTS), digest(other_value), digest(other_name)}) == 3
