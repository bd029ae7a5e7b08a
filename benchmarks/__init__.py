"""Benchmarks that take longer than tests, and whose results are numbers, not verdicts."""
