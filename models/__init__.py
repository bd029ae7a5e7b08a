"""Search spaces and networks in PyTorch. Knows neither tables nor stages."""
