import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pipeline.batches import Augmentation, Images, shuffled
from pipeline.params import RetrainParams
from pipeline.seeds import generator
from pipeline.training import (
    TrainingDiverged,
    accuracy,
    essentials,
    learning_rate,
    naming,
    sgd,
    train,
)

RECIPE = RetrainParams(epochs=5, batch_size=16, lr=0.1, weight_decay=0, shift=0)


def toys(count=64):
    """Bright or dark images of 4×4 noisy pixels: the label says which."""
    draws = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 2
    noise = torch.randint(0, 100, (count, 1, 4, 4), generator=draws)
    pixels = (labels[:, None, None, None] * 155 + noise).to(torch.uint8)
    return Images(pixels, labels, torch.full((1, 1, 1, 1), 0.5), torch.full((1, 1, 1, 1), 0.3))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """On tensors this small, threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny_net():
    """The same at every call."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )


@pytest.fixture
def trained(tmp_path):
    """Trains a tiny net from its first weights to the end."""

    def of(recipe=RECIPE, on_epoch=lambda epoch, loss: None):
        net, unfinished = tiny_net(), tmp_path / "unfinished.pt"
        train(net, toys(), recipe, unfinished, on_epoch)
        unfinished.unlink()
        return net

    return of


def same_weights(one, other):
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


def test_a_tiny_net_learns_what_can_be_told_apart(trained):
    net = trained()
    assert not net.training
    assert accuracy(net, toys()) == 1.0


def test_the_same_seed_trains_the_same_weights(trained):
    recipe = RECIPE.model_copy(update={"epochs": 1, "shift": 2})
    net = trained(recipe)
    assert same_weights(net, trained(recipe))
    assert not same_weights(net, trained(recipe.model_copy(update={"seed": 1})))


def test_the_loss_is_reported_after_every_epoch(trained):
    heard = []
    trained(on_epoch=lambda epoch, loss: heard.append((epoch, loss)))
    assert [epoch for epoch, _ in heard] == [1, 2, 3, 4, 5]
    assert heard[-1][1] < heard[0][1]


def test_two_steps_by_hand(trained):
    """Plain gradient descent on two batches; cosine gives the second half of the first's rate."""
    changes = {"epochs": 1, "batch_size": 32, "schedule": "cosine", "momentum": 0, "flip": False}
    recipe = RECIPE.model_copy(update={**changes, "label_smoothing": 0.2})
    heard = []
    net = trained(recipe, lambda _, loss: heard.append(loss))

    by_hand, losses = tiny_net(), []
    batches = shuffled(toys(), 32, generator(0, "retrain", 1), Augmentation(0, False))
    for rate, (x, y) in zip((0.1, 0.05), batches, strict=True):
        likely = F.log_softmax(by_hand(x), 1)  # 0.9 of the label and 0.1 of the other class
        loss = -(0.8 * likely[torch.arange(32), y] + 0.1 * likely.sum(1)).mean()
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(by_hand.parameters(), gradients, strict=True):
                parameter -= rate * gradient
    torch.testing.assert_close(net.state_dict(), by_hand.state_dict())
    assert heard == [pytest.approx(sum(losses) / 2, rel=1e-5)]


def test_fewer_images_than_a_batch_train_as_one_batch(trained):
    recipe = RECIPE.model_copy(update={"batch_size": 1000})
    assert not same_weights(trained(recipe), tiny_net())


class Killed(RuntimeError):
    pass


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
def test_a_killed_training_ends_as_if_it_had_not_been_killed(trained, tmp_path, schedule):
    recipe = RECIPE.model_copy(update={"schedule": schedule, "shift": 1})
    heard = []

    def kill(epoch, loss):
        heard.append(epoch)
        if epoch in (1, 3):
            raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            train(tiny_net(), toys(), recipe, tmp_path / "killed.pt", kill)
    net = tiny_net()
    train(net, toys(), recipe, tmp_path / "killed.pt", kill)
    assert heard == [1, 2, 3, 4, 5]
    assert same_weights(net, trained(recipe))


def test_the_time_before_a_kill_counts(tmp_path):
    unfinished = tmp_path / "unfinished.pt"
    first = train(tiny_net(), toys(), RECIPE, unfinished)
    assert first > 0
    assert train(tiny_net(), toys(), RECIPE, unfinished) == first  # nothing was left to train


def test_a_diverged_training_is_named_and_keeps_no_state(tmp_path):
    recipe = RECIPE.model_copy(update={"lr": 3e30, "schedule": "cosine"})
    wanted = r"member 'a': the training diverged: the loss of epoch 1 .* retrain\.lr = 3e\+30"
    with pytest.raises(TrainingDiverged, match=wanted), naming("member 'a'"):
        train(tiny_net(), toys(), recipe, tmp_path / "unfinished.pt")
    assert not (tmp_path / "unfinished.pt").exists()


def rates(schedule, steps, lr=0.5):
    """The learning rate of every step."""
    optimizer = torch.optim.SGD(tiny_net().parameters(), lr)
    recipe = RetrainParams(schedule=schedule, lr=lr)
    path = learning_rate(optimizer, recipe, steps)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        path.step()
    return rates


def test_one_cycle_climbs_for_a_fifth_and_ends_at_almost_nothing():
    """99 steps and one beyond the end: the peak is at (99 + 1) / 5 - 1."""
    path = rates("one-cycle", 99)
    assert path[0] == pytest.approx(0.5 / 25)
    assert path[19] == max(path) == pytest.approx(0.5)
    assert path[:20] == sorted(path[:20])
    assert path[19:] == sorted(path[19:], reverse=True)
    assert path[-1] < 0.5 / 1000


@pytest.mark.parametrize("steps", range(1, 12))
def test_one_cycle_of_few_steps(steps):
    """PyTorch's own divides by zero where a fifth of the steps and one beyond is exactly one.

    The peak may be between two steps; after a single step there is nothing to come down to.
    """
    path = rates("one-cycle", steps)
    assert path[0] == pytest.approx(0.5 / 25)
    if steps > 1:
        assert 0.97 * 0.5 < max(path) <= 0.5
    if steps > 2:
        assert path[-1] < max(path)


def test_cosine_starts_at_the_peak_and_is_half_way_down_in_the_middle():
    path = rates("cosine", 100)
    assert path[0] == 0.5
    assert path[50] == pytest.approx(0.25)
    assert path[-1] < 0.5 / 1000


def test_weights_decay_but_biases_and_batch_norms_do_not():
    """Without a gradient, a step of 0.1 at a decay of 0.5 shrinks a weight by 5 %."""
    net = tiny_net()
    optimizer = sgd(net, lr=0.1, momentum=0.0, weight_decay=0.5)
    before = {name: parameter.detach().clone() for name, parameter in net.named_parameters()}
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in net.named_parameters():
        factor = 0.95 if name in ("0.weight", "5.weight") else 1.0
        torch.testing.assert_close(parameter.detach(), before[name] * factor)


@pytest.mark.parametrize(("momentum", "step"), [(0.0, 1.0), (0.9, 1.9)])
def test_the_first_step_looks_ahead_with_nesterov_momentum(momentum, step):
    net = nn.Linear(1, 1)
    before = float(net.weight.detach())
    optimizer = sgd(net, lr=1.0, momentum=momentum, weight_decay=0.0)
    net.weight.grad = torch.ones_like(net.weight)
    optimizer.step()
    assert float(net.weight.detach()) == pytest.approx(before - step)


def test_accuracy_counts_over_all_batches(monkeypatch):
    """Labels 0 1 0 1 0 and a network that always says 0."""
    monkeypatch.setattr("pipeline.training.EVALUATION_BATCH", 2)
    net = tiny_net()
    with torch.no_grad():
        net[5].weight.zero_()
        net[5].bias.copy_(torch.tensor([1.0, 0.0]))
    assert accuracy(net, toys(5)) == 3 / 5


def test_accuracy_is_judged_in_evaluation_mode():
    net = tiny_net().train()
    before = net[1].running_mean.clone()
    accuracy(net, toys())
    assert torch.equal(net[1].running_mean, before)


def test_neither_the_number_of_workers_nor_the_name_of_the_start_is_essential():
    changed = RECIPE.model_copy(update={"workers": 9, "init": "supernet"})
    assert essentials(changed) == essentials(RECIPE)
    assert essentials(RECIPE.model_copy(update={"lr": 0.2})) != essentials(RECIPE)
