"""What people export from Prometheus is understood, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rollmodel.cli.backtest.command import main
from rollmodel.cli.backtest.counts import fold
from rollmodel.cli.backtest.rows import Rows, read_rows
from rollmodel.errors import Invalid

EXAMPLES = Path(__file__).parents[4] / "examples"
HEADER = "rollout,time,arm,pod,total,bad\n"


def table() -> list[list[str]]:
    return [line.split(",") for line in (EXAMPLES / "counts.csv").read_text().splitlines()]


def written(path: Path, rows: list[list[str]]) -> Rows:
    path.write_text("".join(f"{','.join(row)}\n" for row in rows))
    return read_rows(path)


def test_unix_times_begin_with_the_candidate(tmp_path: Path) -> None:
    header, *rows = table()
    at = header.index("time")
    for row in rows:
        row[at] = str(float(row[at]) + 1_767_225_600)
    plain, unix = (
        fold(read_rows(EXAMPLES / "counts.csv"), 10),
        fold(written(tmp_path / "unix.csv", [header, *rows]), 10),
    )
    for name in ("total", "bad", "last"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(unix, name))
    assert [len(one.total) for one in plain.history] == [len(one.total) for one in unix.history]


def test_counters_that_were_not_subtracted_are_refused(tmp_path: Path) -> None:
    header, *rows = table()
    places = [header.index(name) for name in ("rollout", "arm", "pod")]
    sums: dict[tuple[str, ...], list[float]] = {}
    for row in sorted(rows, key=lambda row: float(row[header.index("time")])):
        counter = sums.setdefault(tuple(row[place] for place in places), [0.0, 0.0])
        for number, name in enumerate(("total", "bad")):
            counter[number] += float(row[header.index(name)])
            row[header.index(name)] = str(counter[number])
    with pytest.raises(Invalid, match="only ever rise, as counters do"):
        written(tmp_path / "cumulative.csv", [header, *rows])


STABLE, CANDIDATE = (480, 953, 1440), (25, 52, 75)


@pytest.mark.parametrize(
    ("stable", "candidate", "is_cumulative"),
    [
        (STABLE, CANDIDATE, True),
        ((480, 490, 500), (25, 26, 27), False),
        ((480, 473, 490), CANDIDATE, False),
        (STABLE[:2], CANDIDATE[:2], False),
        ((480,), CANDIDATE, False),
    ],
)
def test_three_rows_of_each_pod_are_enough_where_they_counted_from_nothing(
    tmp_path: Path, stable: tuple[int, ...], candidate: tuple[int, ...], *, is_cumulative: bool
) -> None:
    rows = [["rollout", "time", "arm", "pod", "total", "bad"]]
    for arm, totals in (("stable", stable), ("candidate", candidate)):
        rows += [["v2", str(10 + 10 * number), arm, arm, str(total), "0"] for number, total in enumerate(totals)]
    if is_cumulative:
        with pytest.raises(Invalid, match="only ever rise, as counters do"):
            written(tmp_path / "counts.csv", rows)
    else:
        written(tmp_path / "counts.csv", rows)


def test_rows_that_come_twice_are_refused(tmp_path: Path) -> None:
    header, *rows = table()
    with pytest.raises(Invalid, match=f"row {2 + len(rows)}: the same rollout, time, arm and pod as row 2"):
        written(tmp_path / "twice.csv", [header, *rows, rows[0]])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a,1767225610,stable,s,9,0\na,20,candidate,c,9,0\n", "others are dates"),
        ("a,1767225610000,candidate,c,9,0\n", "not in milliseconds"),
        ("a,1767225610,stable,s,9,0\n", "no row of the candidate"),
        ("a,10,candidate,c,9,0\na,20,candidate,c,9,0\na,90000000,stable,s,9,0\n", "is time seconds"),
    ],
)
def test_times_that_are_neither(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, lines: str, message: str
) -> None:
    monkeypatch.setattr("rollmodel.cli.backtest.counts._MOST_CELLS", 1_000_000)
    (tmp_path / "counts.csv").write_text(HEADER + lines)
    code = main([str(EXAMPLES / "quickstart.yaml"), "--counts", str(tmp_path / "counts.csv")])
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert (code, message in line) == (2, True), line
