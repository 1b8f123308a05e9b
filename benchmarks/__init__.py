"""Compares FunDiff with its peers: `python -m benchmarks.run` measures every row, or only the rows that you name."""
