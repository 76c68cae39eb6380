"""``rollmodel profile DATA``: write the profile of a table, to lie beside the model that was trained on it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rollmodel.profile import FILE_NAME, Profile, ProfileError, build_profile

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["main"]

_NAMED = 5


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="rollmodel profile",
        description="Count what a model was trained on, column by column. The profile lies beside the model, and holds"
        " counts only.",
    )
    parser.add_argument("data", metavar="DATA", type=Path, help="table: .csv, .csv.gz or .parquet, one row for each")
    parser.add_argument("--score", metavar="COLUMN", help="what the model answered; this is no feature")
    parser.add_argument("--target", metavar="COLUMN", help="what was true, 0 or 1; this is no feature")
    parser.add_argument(
        "--time", metavar="COLUMN", help="when each row was asked (UTC without a zone): counts by hours of the week"
    )
    parser.add_argument("--ignore", metavar="COLUMN", action="append", default=[], help="no feature; may be repeated")
    parser.add_argument("--threshold", type=float, help="a score above it is a positive answer (default: 0.5)")
    parser.add_argument("--importance", metavar="FILE", type=Path, help="JSON: a number for each feature by its name")
    parser.add_argument("--out", metavar="FILE", type=Path, default=Path(FILE_NAME), help=f"default: {FILE_NAME}")
    parser.add_argument("--html", metavar="FILE", type=Path, help="draw the distributions into this file, too")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the profile: 0; 1 with a message where there is none to write."""
    arguments = _arguments(argv)
    try:
        profile = _build(arguments)
        arguments.out.write_text(profile.to_json(), encoding="utf-8")
        if arguments.html:
            from rollmodel.cli.drift.profile_page import render  # noqa: PLC0415  templates take a while to load

            arguments.html.write_text(render(profile, arguments.data.name), encoding="utf-8")
    except (ProfileError, OSError) as error:
        sys.stderr.write(f"rollmodel profile: {error}\n")
        return 1
    size = arguments.out.stat().st_size
    print(f"{arguments.out}: {profile.rows} rows, {len(profile.features)} features, {size} bytes, {profile.digest}")
    if arguments.time is not None:
        print(_hours(profile))
    return 0


def _hours(profile: Profile) -> str:
    if not profile.hours:
        return "no counts by hours: the times span less than a week, or there are too few rows for two parts of it"
    follow = [column.name for column in profile.columns if column.rhythm is not None]
    named = f": {', '.join(follow[:_NAMED])}{', ...' if len(follow) > _NAMED else ''}" if follow else ""
    return f"{len(profile.hours)} parts of the week, {len(follow)} columns follow them{named}"


def _build(arguments: argparse.Namespace) -> Profile:
    table = _table(arguments.data)
    others = [
        name for name in (arguments.score, arguments.target, arguments.time, *arguments.ignore) if name is not None
    ]
    absent = [name for name in others if name not in table.columns]
    if absent:
        raise ProfileError(f"there is no column {absent[0]!r}; there are {', '.join(map(str, table.columns))}")
    features = [name for name in table.columns if name not in others]
    with _progress(len(features)) as told:
        return build_profile(
            {str(name): table[name].to_numpy() for name in features},
            score=None if arguments.score is None else table[arguments.score].to_numpy(),
            target=None if arguments.target is None else table[arguments.target].to_numpy(),
            threshold=arguments.threshold,
            time=None if arguments.time is None else table[arguments.time].to_numpy(),
            importance=None if arguments.importance is None else _importance(arguments.importance),
            on_column=told,
        )


@contextmanager
def _progress(columns: int) -> Iterator[Callable[[str], None]]:
    """A bar for people who wait: on a terminal only, and gone afterwards."""
    from rich.console import Console  # noqa: PLC0415  with its bars it takes as long as a small table
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("columns", total=columns)

        def told(name: str) -> None:
            bar.update(task, advance=1, description=name[:40])

        yield told


def _table(path: Path) -> pd.DataFrame:
    """Read late: pandas is in the image of the model server, not in that of the operator."""
    try:
        import pandas as pd  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ProfileError("reading tables needs pandas: pip install 'rollmodel[serving]'") from None
    try:
        if path.name.endswith(".parquet"):
            return pd.read_parquet(path)
        if path.name.endswith((".csv", ".csv.gz")):
            return pd.read_csv(path)
    except ValueError as error:  # also what pyarrow and the reader of CSV raise
        raise ProfileError(f"{path} cannot be read: {error}") from error
    raise ProfileError(f"{path} must end in .csv, .csv.gz or .parquet")


def _importance(path: Path) -> Mapping[str, float]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): float(value) for name, value in found.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ProfileError(f"{path} must be a JSON object with a number for each feature") from error
