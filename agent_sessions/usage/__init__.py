"""The cost of runs: tokens, their prices and their sums."""
