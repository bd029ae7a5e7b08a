"""What is simulated, what is measured, and what is aimed at: fixed before the first result.

The controller's constants were chosen on other seeds, budgets and rates than these.
"""

from __future__ import annotations

from edge.serving.controller import Rung

PERCENTILE = 95

# As `verify` measured a family on Fashion-MNIST (onnxruntime 1.32.0 on two cores of an AMD EPYC in
# a virtual machine): hold-out accuracy, median and upper bound of p95 in ms.
MEMBERS = (
    Rung("within-0.144ms", 0.9177, 0.125, 0.147),
    Rung("few-large", 0.9202, 0.165, 0.191),
    Rung("within-0.191ms", 0.9253, 0.167, 0.188),
    Rung("within-0.254ms", 0.9268, 0.196, 0.236),
    Rung("within-0.338ms", 0.9282, 0.284, 0.318),
    Rung("within-0.449ms", 0.9245, 0.375, 0.430),
    Rung("within-0.597ms", 0.9327, 0.507, 0.572),
)

# Simulated times: median × factor of the scenario × noise. The noise resembles the records behind
# MEMBERS: a log-normal body, a slow drift that all members share, and rare slow runs.
SEEDS = tuple(range(1000, 1010))
BUDGETS_MS = (0.25, 0.35, 0.5, 0.7)
RATES = ((30.0, 600.0), (5.0, 1800.0))  # calls a second, seconds
BODY_SD = 0.08  # of log latency: p95 is 1.14 times the median
DRIFT_SD, DRIFT_S = 0.03, 20.0  # of log latency, and for how long it lasts
SLOW_RUNS = (0.001, 2.0, 1.5, 3.0)  # how often they begin, mean length, factor from .. to
SPIKES = (0.008, 2.0, 1.5, 3.0)  # the same in the scenario of that name
MOST = 2.2  # times slower than measured

# Real load: every member of a family in turns, in one process on the last core, while others run.
REAL_BUDGETS = (1.0, 1.5, 2.2)  # times the upper bound of the most accurate member: in turns, and
# after pauses, members find cold caches, and take nearly twice what they take in a tight loop
PERIOD_S = 0.02  # between two rounds of all members
PHASE_S = 12.0
PHASES = 16  # of each budget, drawn at random by LOAD_SEED
LOADS = ("none", "spin", "stream", "shared")
LOAD_SEED = 2000

# At most so many misses where a member is feasible, in every scenario; of all scenarios together
# so many times fewer than the pick by mean latency, unless that is always the largest member; so
# many points of accuracy below the oracle.
MAX_MISS_SHARE = 0.05
MIN_TIMES_FEWER = 1.6
MAX_POINTS_BELOW = 0.5
MAX_BOOKKEEPING_US = 20.0
