"""How much architectures of equal latency differ once they are trained: what a search can win."""
