import sys
from pathlib import Path

# `dvc exp run --temp` runs a copy of the project: it must import the copy's own src, not the installed one.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
