"""FunDiff beside its peers: `python -m benchmarks.run` measures every row, or those that are named."""
