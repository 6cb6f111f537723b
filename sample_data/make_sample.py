"""Build the synthetic Balochistan: `python sample_data/make_sample.py --seed 20240 --cell-m 1000 --out
sample_data/balochistan`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# Run as a script, Python sees only this folder; the package lives one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sample_data.world import make_world
from sample_data.world.write import write


def main() -> None:
    """Make one world and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20240)
    parser.add_argument("--cell-m", type=float, default=1000.0)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "balochistan")
    options = parser.parse_args()
    write(make_world(options.seed, options.cell_m), options.out)
    print(f"wrote a SYNTHETIC province, seed {options.seed}, {options.cell_m:g} m cells, to {options.out}")


if __name__ == "__main__":
    main()
