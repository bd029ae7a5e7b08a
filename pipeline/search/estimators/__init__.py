"""How the cross-entropy of sampled paths becomes a gradient for the logits."""

from pipeline.search.estimators.base import ESTIMATORS, Estimator, estimator
from pipeline.search.estimators.pathwise import StraightThrough, TwoPath
from pipeline.search.estimators.reinforce import ReinforceCV

__all__ = [
    "ESTIMATORS",
    "Estimator",
    "ReinforceCV",
    "StraightThrough",
    "TwoPath",
    "estimator",
]
