import math
from statistics import NormalDist

import numpy as np
import pytest

from edge import bayes


def problem(x: list[list[float]], y: list[float], **changes: object) -> bayes.Problem:
    fields: dict[str, object] = {
        "x": np.array(x, dtype=np.float64).reshape(-1, 2),
        "y": np.array(y, dtype=np.float64),
        "noise_scale": np.ones(len(y)),
        "prior_mean": np.array([0.0, 1.0]),
        "prior_sd": np.array([2.0, 0.3]),
        "shrunk": np.array([False, False]),
    }
    return bayes.Problem(**{**fields, **changes})  # type: ignore[arg-type]


def test_spearman() -> None:
    assert bayes.spearman([1, 2, 3, 4], [10, 20, 30, 99]) == pytest.approx(1)
    assert bayes.spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    # ranks 0 1.5 1.5 3 against 0 1 2 3: covariance 4.5 / sqrt(4.5 * 5)
    assert bayes.spearman([1, 2, 2, 4], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(22.5))
    assert bayes.spearman([1, 1], [1, 2]) is None
    assert bayes.spearman([], []) is None


def test_without_data_the_posterior_is_the_prior() -> None:
    posterior, left_out = bayes.solve(problem([], []))
    assert posterior.mean == pytest.approx([0.0, 1.0])
    assert posterior.covariance == pytest.approx(np.diag([4.0, 0.09]))
    assert left_out.mean.shape == (0,)


def test_one_observation_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    # One noise level, sigma = 1; x = (1, 0): prior N(0, 4), y = 5, so the posterior has
    # precision 1/4 + 1 and mean 5 / 1.25 = 4; the scale stays as it was.
    monkeypatch.setattr(bayes, "SIGMAS", np.array([1.0]))
    posterior, left_out = bayes.solve(problem([[1, 0]], [5]))
    assert posterior.mean == pytest.approx([4.0, 1.0])
    assert posterior.covariance == pytest.approx(np.diag([0.8, 0.09]))
    assert posterior.noise == pytest.approx(1.0)
    # Left out, it is predicted by the prior: mean 0, variance 4 + 1.
    assert left_out.mean == pytest.approx([0.0])
    assert left_out.sd == pytest.approx([math.sqrt(5)])


def test_leaving_one_out_is_refitting_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bayes, "_FORGOTTEN", 0.0)
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(8), rng.uniform(1, 3, 8)])
    y = x @ [0.2, 1.1] + 0.05 * rng.standard_normal(8)
    scale = rng.uniform(0.5, 2, 8)
    _, left_out = bayes.solve(problem(x.tolist(), y.tolist(), noise_scale=scale))
    for i in range(8):
        rest = np.arange(8) != i
        refit, _ = bayes.solve(problem(x[rest].tolist(), y[rest].tolist(), noise_scale=scale[rest]))
        variance = x[i] @ refit.covariance @ x[i] + refit.noise * scale[i] ** 2
        assert left_out.mean[i] == pytest.approx(x[i] @ refit.mean, rel=1e-6)
        assert left_out.sd[i] == pytest.approx(math.sqrt(variance), rel=1e-6)


def test_prior_deviations_in_units_of_the_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    # sigma = 0.5 and rho = 4: the deviation of the second is 0.3 * 4 * 0.5.
    monkeypatch.setattr(bayes, "SIGMAS", np.array([0.5]))
    monkeypatch.setattr(bayes, "RHOS", np.array([4.0]))
    posterior, _ = bayes.solve(problem([], [], shrunk=np.array([False, True])))
    assert posterior.covariance == pytest.approx(np.diag([2.0**2, 0.6**2]))
    assert posterior.noise == pytest.approx(0.25)


def test_what_is_wrong_by_ten_times_as_much_is_predicted_ten_times_as_widely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the factor matters where deviations are in units of the noise and its prior is flat."""
    monkeypatch.setattr(bayes, "SIGMA_FACTOR", 1e9)
    rng = np.random.default_rng(2)
    x, errors = rng.normal(size=(6, 2)), rng.normal(size=6)
    shrunk = np.array([True, True])
    halves = []
    for size in (0.005, 0.05):
        posterior, _ = bayes.solve(
            problem(x.tolist(), (x[:, 1] + size * errors).tolist(), shrunk=shrunk)
        )
        mean, lo, hi = posterior.predict(np.array([[1.0, 1.0]]), np.ones(1), 0.9)
        assert lo[0] < mean[0] < hi[0]
        halves.append(float(hi[0] - lo[0]) / 2)
    assert halves[1] == pytest.approx(10 * halves[0], rel=0.03)


def mixture_of_two() -> bayes.Posterior:
    """Half of it N(-1, 1), half N(1, 3), with noises of 0 and 4; the second coordinate is 0."""
    means, covariances = np.array([[-1.0, 0], [1, 0]]), np.zeros((2, 2, 2))
    covariances[:, 0, 0] = 1, 3
    return bayes.Posterior(np.array([0.5, 0.5]), means, covariances, np.array([0.0, 4.0]))


def test_moments_of_a_mixture() -> None:
    posterior = mixture_of_two()
    assert posterior.mean == pytest.approx([0.0, 0.0])
    assert posterior.covariance == pytest.approx(np.diag([3.0, 0.0]))  # within 2, between 1
    assert posterior.noise == pytest.approx(2.0)


def test_an_interval_leaves_equal_shares_outside() -> None:
    # One row has coordinate 1 and no noise scale, so that it is the mixture itself.
    mean, lo, hi = mixture_of_two().predict(np.array([[1.0, 0.0]]), np.zeros(1), 0.9)

    def below(x: float) -> float:
        return (NormalDist(-1, 1).cdf(x) + NormalDist(1, math.sqrt(3)).cdf(x)) / 2

    assert mean == pytest.approx([0.0])
    assert (below(lo[0]), below(hi[0])) == pytest.approx((0.05, 0.95), abs=1e-4)


def test_one_gaussian_has_the_intervals_of_the_tables() -> None:
    one = bayes.Posterior(np.ones(1), np.zeros((1, 2)), np.zeros((1, 2, 2)), np.ones(1))
    _, lo, hi = one.predict(np.array([[1.0, 2.0]]), np.array([3.0]), 0.9)
    assert (lo[0], hi[0]) == pytest.approx((-1.6449 * 3, 1.6449 * 3), rel=1e-4)


def test_a_widened_posterior_has_wider_intervals_around_the_same_mean() -> None:
    one = bayes.Posterior(np.ones(1), np.ones((1, 1)), np.ones((1, 1, 1)), np.ones(1))
    mean, lo, hi = one.predict(np.ones((1, 1)), np.array([0.5]), 0.9)
    again, wide_lo, wide_hi = one.widened(3).predict(np.ones((1, 1)), np.array([0.5]), 0.9)
    assert again == mean
    assert wide_hi - wide_lo == pytest.approx(3 * (hi - lo))


def test_points_of_the_grid_move_apart_too() -> None:
    """Else intervals would grow least where the points disagree."""
    x, scale = np.array([[1.0, 0.0]]), np.array([1.0])
    mean, lo, hi = mixture_of_two().predict(x, scale, 0.9)
    again, wide_lo, wide_hi = mixture_of_two().widened(2).predict(x, scale, 0.9)
    assert again == pytest.approx(mean)
    assert wide_lo - mean == pytest.approx(2 * (lo - mean), rel=1e-3)
    assert wide_hi - mean == pytest.approx(2 * (hi - mean), rel=1e-3)
    assert mixture_of_two().widened(2).covariance == pytest.approx(4 * mixture_of_two().covariance)


def test_an_explanation_that_does_not_hold_adds_nothing() -> None:
    found, _ = bayes.solve(problem([], [], prior_mean=np.array([1.0, 4.0]), rivals=1))
    assert found.mean == pytest.approx([1.0, 4.0 * bayes.RIVALS], rel=1e-2)


def test_points_that_hardly_count_are_left_out() -> None:
    weights = np.array([0.3, 0.0004, 0.699, 0.0006])
    parts = np.arange(4.0)
    posterior = bayes.Posterior(weights, parts[:, None], parts[:, None, None], parts).thinned()
    assert posterior.noises.tolist() == [0.0, 2.0]  # the two lightest weigh 0.001 together
    assert posterior.weights == pytest.approx([0.3 / 0.999, 0.699 / 0.999])


def test_to_dict_and_back() -> None:
    posterior, _ = bayes.solve(problem([[1, 2], [1, 3]], [2, 3.1]))
    again = bayes.Posterior.from_dict(posterior.to_dict())
    for name in ("weights", "means", "covariances", "noises"):
        assert getattr(again, name) == pytest.approx(getattr(posterior, name), rel=1e-12)


def test_noise_is_found() -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(400), rng.uniform(1, 3, 400)])
    y = x @ [0.2, 1.1] + 0.04 * rng.standard_normal(400)
    posterior, _ = bayes.solve(problem(x.tolist(), y.tolist()))
    assert math.sqrt(posterior.noise) == pytest.approx(0.04, rel=0.1)
    assert posterior.mean == pytest.approx([0.2, 1.1], abs=0.03)
