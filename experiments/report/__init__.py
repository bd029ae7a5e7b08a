"""docs/results.md: what the rows of the experiments say."""
