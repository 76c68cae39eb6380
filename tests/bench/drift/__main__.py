"""How often healthy models raise an alarm, and how soon sick ones do: our rule beside those that people use.

    python -m tests.bench.drift [--months 200] [--kept FOLDER] [--out docs/concepts/drift-tables.md]

30 features, 500 rows an hour, a profile of 10,000 rows, looks each hour. Cells that are in the folder are not computed
again, so a run may be interrupted. ``--evidently`` compares our copy of its default with the package.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.drift import others, pages
from tests.bench.drift.cells import at_equal_rates, delays, evidently_months, kept, quiet_months, storms
from tests.bench.drift.worlds import CHANGES, WORLDS

#: Each month of these takes about ten times as long.
_FEWER = 20


def main() -> None:
    """Compute what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, default=200, help="for each cell; a twentieth where rows are needed")
    parser.add_argument("--kept", type=Path, default=Path("out/bench/drift"), help="where cells are kept")
    parser.add_argument("--out", type=Path, help="write the page here; default: print it")
    parser.add_argument("--evidently", action="store_true", help="compare our copy of its default with the package")
    arguments = parser.parse_args()
    if arguments.evidently:
        version, columns, same = others.check()
        print(f"Evidently {version}: the same answer for {same} of {columns} columns")
        return
    text = pages.render(_cells(arguments.kept, arguments.months), arguments.months, max(5, arguments.months // _FEWER))
    if arguments.out is None:
        print(text)
    else:
        arguments.out.write_text(text, encoding="utf-8")


def _cells(folder: Path, months: int) -> pages.Cells:
    fewer = max(5, months // _FEWER)
    made: dict[str, Callable[[], Any]] = {
        **{f"quiet {world}": partial(quiet_months, world, months) for world in WORLDS},
        **{f"change {change}": partial(delays, change, months) for change in CHANGES},
        "equal": partial(at_equal_rates, months),
        "storm": partial(storms, fewer),
        "evidently": partial(evidently_months, fewer),
    }
    found: pages.Cells = {}
    for name, make in made.items():
        begun = time.monotonic()
        found[name] = kept(folder, f"{name} {months}", make)
        if time.monotonic() - begun > 1.0:
            print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
    return found


if __name__ == "__main__":
    main()
