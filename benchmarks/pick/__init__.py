"""Whether serving keeps a budget while the board slows, and what that costs in accuracy."""
