"""The differentiable search over a simplex of operation penalties and a price of latency."""

from pipeline.search.stage import run

__all__ = ["run"]
