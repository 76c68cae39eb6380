"""How often healthy models raise an alarm, and how soon sick ones do: our rule beside those that people use.

    python -m tests.bench.drift [--months 80] [--kept FOLDER] [--out docs/concepts/drift-tables.md]

30 features, 500 rows an hour, a profile of 10,000 rows, looks each hour. Quiet months come first; what is in the folder
is not computed again, so a run may be interrupted. 80 months take about 20 minutes of one core. ``--evidently HOURS``
compares our copy of its default with the package in so many hours of each world and change.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.bench.drift import package, pages
from tests.bench.drift.cells import kept, run


def main() -> None:
    """Compute what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, default=80, help="of a quiet world; fewer of others")
    parser.add_argument("--kept", type=Path, default=Path("out/bench/drift"), help="where months are kept")
    parser.add_argument("--out", type=Path, help="write the page here; default: print it")
    parser.add_argument("--evidently", type=int, metavar="HOURS", help="compare our copy of its rule with the package")
    arguments = parser.parse_args()
    if arguments.evidently:
        for line in package.check(arguments.evidently):
            print(line, flush=True)
        return
    run(arguments.kept, arguments.months)
    text = pages.render(kept(arguments.kept))
    if arguments.out is None:
        print(text)
    else:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
