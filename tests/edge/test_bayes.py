import math

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
        "tau_scale": 1.0,
    }
    return bayes.Problem(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [  # from the table in Abramowitz and Stegun, 26.10
        (0.95, 3, 2.353),
        (0.95, 4, 2.132),
        (0.95, 10, 1.812),
        (0.975, 5, 2.571),
        (0.95, 1e9, 1.645),
        (0.05, 10, -1.812),
    ],
)
def test_t_quantile(probability: float, freedom: float, expected: float) -> None:
    assert bayes.t_quantile(probability, freedom) == pytest.approx(expected, abs=2e-3)


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
    assert (posterior.noise, posterior.noise_variance) == (1.0, 0.0)
    # Left out, it is predicted by the prior: mean 0, variance 4 + 1.
    assert left_out.mean == pytest.approx([0.0])
    assert left_out.sd == pytest.approx([math.sqrt(5)])


def test_leaving_one_out_is_refitting_without_it() -> None:
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


def test_interval_matches_the_variance_and_the_kurtosis_of_the_mixture() -> None:
    # Noise variance 1 on average with variance 0.5: freedom 4 + 2 / 0.5 = 8, and a t with 8
    # degrees has variance 8 / 6; its 95 % quantile is 1.860.
    posterior = bayes.Posterior(np.zeros(2), np.zeros((2, 2)), 1.0, 0.5)
    mean, half = posterior.predict(np.array([[1.0, 2.0]]), np.array([3.0]), 0.9)
    assert mean == pytest.approx([0.0])
    assert half == pytest.approx([1.860 * 3 * math.sqrt(6 / 8)], rel=1e-3)


def test_noise_is_found() -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(400), rng.uniform(1, 3, 400)])
    y = x @ [0.2, 1.1] + 0.04 * rng.standard_normal(400)
    posterior, _ = bayes.solve(problem(x.tolist(), y.tolist()))
    assert math.sqrt(posterior.noise) == pytest.approx(0.04, rel=0.1)
    assert posterior.mean == pytest.approx([0.2, 1.1], abs=0.03)
