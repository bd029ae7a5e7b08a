"""Where the data of plots lie: small files that Git keeps, for ``dvc plots`` and the report."""

from pathlib import Path

FOLDER = Path("results/plots")
HELDOUT = FOLDER / "heldout.csv"  # calibrate: networks that nothing was fitted on
SEARCH = FOLDER / "search"  # search: a folder of DVCLive, its curves over training
CURVES = SEARCH / "plots/metrics"
CANDIDATES = FOLDER / "candidates.csv"  # extract: both arms,
CONTROL = FOLDER / "control.csv"  # their bins of equal latency,
STEERING = FOLDER / "steering.csv"  # and the use of each operation against its penalty
MEMBERS = FOLDER / "members.csv"  # verify: accuracy and measured latency
