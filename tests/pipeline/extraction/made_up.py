"""Candidates that stand for themselves: a number for the choices, a latency, a score."""

from __future__ import annotations

from edge.predictor import Prediction
from pipeline.extraction.candidates import Candidate


def candidate(name, latency_ms, cross_entropy=None, bound=1.2):
    """`name` stands for the choices, and is the key."""
    tail = Prediction(latency_ms, latency_ms, latency_ms * bound, 5)
    median = Prediction(latency_ms, latency_ms * 0.9, latency_ms * 1.1, 5)
    return Candidate((name,), name, "argmax", median, tail, cross_entropy=cross_entropy)
