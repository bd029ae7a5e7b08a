import pytest
import torch

from models.network import network
from pipeline import store
from pipeline.trained import WeightsError, load_network
from tests.pipeline.made_up import small_space, trained_member

ARCHITECTURE = small_space("skip", "mbconv_k3_e3").architecture([1, 0])
ODD = trained_member("odd", ARCHITECTURE)


def test_the_trained_weights_are_in_the_network(tmp_path):
    trained = network(ARCHITECTURE)
    store.save(tmp_path / ODD.weights, trained.state_dict())
    found = load_network(ODD, tmp_path)
    assert not found.training
    for name, value in found.state_dict().items():
        assert torch.equal(value, trained.state_dict()[name])


def test_weights_that_are_missing_or_of_another_network_name_the_member(tmp_path):
    store.save(tmp_path / ODD.weights, {"0.weight": torch.zeros(1)})
    with pytest.raises(WeightsError, match=r"does not fit member 'odd'; .*dvc repro -sf retrain"):
        load_network(ODD, tmp_path)
    (tmp_path / ODD.weights).write_bytes(b"cut")
    with pytest.raises(WeightsError, match="does not fit member 'odd'"):
        load_network(ODD, tmp_path)
    (tmp_path / ODD.weights).unlink()
    with pytest.raises(WeightsError, match="member 'odd', does not exist"):
        load_network(ODD, tmp_path)
