"""``python regression.py SCORED.csv``: fails where the new model is worse than the one that serves, on held-out rows.

Training writes the file before it registers the model: `truth`, and for both models what they predicted and the
milliseconds that it took. Both saw the same rows, so only rows on which one is right and the other wrong count: the
exact sign test (McNemar, 1947).
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

LEAST_ROWS = 200
#: A model that is no worse is refused this often.
RISK = 0.01
#: Share of rows that may be lost however little that proves.
LARGEST_LOSS = 0.02
#: How much slower the slowest twentieth of the predictions may be.
SLOWER = 1.25


def complaints(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """What is worse."""
    lost = sum(row["stable"] == row["truth"] != row["candidate"] for row in rows)
    won = sum(row["candidate"] == row["truth"] != row["stable"] for row in rows)
    chance = sum(math.comb(lost + won, k) for k in range(lost, lost + won + 1)) / 2 ** (lost + won)
    if chance < RISK or (lost - won) / len(rows) > LARGEST_LOSS:
        yield f"wrong where the old one was right: {lost} rows, the other way round: {won} (chance {chance:.2g})"
    old, new = (slowest(float(row[f"{model}_ms"]) for row in rows) for model in ("stable", "candidate"))
    if new > SLOWER * old:
        yield f"a twentieth of the predictions takes {new:.1f} ms or more, before {old:.1f} ms"


def slowest(times: Iterator[float]) -> float:
    """The 95th percentile."""
    ordered = sorted(times)
    return ordered[math.ceil(0.95 * len(ordered)) - 1]


def main(arguments: Sequence[str]) -> int:
    """1 if it is worse, or if too few rows can tell."""
    (path,) = arguments
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if len(rows) < LEAST_ROWS:
        print(f"{path}: {len(rows)} rows, at least {LEAST_ROWS} are needed")
        return 1
    found = list(complaints(rows))
    print("\n".join(found) or f"{path}: {len(rows)} rows, no worse")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
