"""CSV of counts: what is read, what is refused with its row, what is left out of the evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rollmodel.cli.backtest.counts import Counts, fold
from rollmodel.cli.backtest.rows import read_rows
from rollmodel.errors import Invalid

HEADER = "rollout,time,arm,pod,total,bad\n"


@pytest.fixture
def folded(tmp_path: Path) -> Any:
    def read(text: str, interval: float = 10.0, header: str = HEADER) -> Counts:
        path = tmp_path / "counts.csv"
        path.write_text(header + text, encoding="utf-8")
        return fold(read_rows(path), interval)

    return read


def test_rows_are_summed_by_rollout_arm_and_window(folded: Any) -> None:
    counts = folded("a,10,candidate,p,5,1\na,10,candidate,q,6,2\na,20,stable,s,90,3\nb,10,stable,s,80,4\n")
    assert counts.total[:, :, 0].tolist() == [[11, 0], [0, 80]]
    assert counts.bad[:, :, 0].tolist() == [[3, 0], [0, 4]]
    assert counts.total[1, 0].tolist() == [0, 90]
    assert counts.last.tolist() == [2, 1]
    assert counts.interval == 10


def test_columns_in_any_order_without_pod_and_with_others(folded: Any) -> None:
    counts = folded("1,7,candidate,x,5,a\n", header="bad,total,arm,comment,time,rollout\n")
    assert counts.total[0, 0].tolist() == [7]
    assert counts.bad[0, 0].tolist() == [1]


def test_a_byte_order_mark_blank_lines_and_spaces_do_no_harm(folded: Any) -> None:
    counts = folded("\na, 10, candidate, p, 5, 1\n\n", header="\ufeff" + HEADER)
    assert counts.total[0, 0].tolist() == [5]


def test_history_is_kept_by_pod_oldest_first(folded: Any) -> None:
    counts = folded("a,-10,stable,p,5,1\na,0,stable,p,6,0\na,0,stable,q,7,2\na,10,candidate,c,1,0\n")
    assert sorted(counts.history[0].total.tolist()) == [[0, 7], [5, 6]]
    assert counts.history[0].bad.sum() == 3
    assert counts.total.shape == (2, 1, 1)


def test_windows_in_which_nothing_was_asked_are_no_history(folded: Any) -> None:
    counts = folded("a,-5000,stable,p,5,1\na,-10,stable,p,0,0\na,0,stable,p,6,0\na,10,candidate,c,1,0\n")
    assert counts.history[0].total.tolist() == [[5, 6]]


def test_a_rollout_without_history(folded: Any) -> None:
    assert folded("a,10,candidate,c,1,0\n").history[0].total.shape == (0, 0)


def test_finer_rows_are_merged_into_the_policys_windows(folded: Any) -> None:
    counts = folded("".join(f"a,{t},candidate,c,1,0\n" for t in range(5, 65, 5)), interval=30.0)
    assert counts.total[0, 0].tolist() == [6, 6]


def test_coarser_rows_keep_their_own_step(folded: Any) -> None:
    counts = folded("a,60,candidate,c,1,0\na,120,candidate,c,2,0\n")
    assert counts.interval == 60
    assert counts.total[0, 0].tolist() == [1, 2]


@pytest.mark.parametrize("cells", ["-1,0", "nan,0", "inf,0", "5,6", "5,-1", "5,nan"])
def test_impossible_numbers_take_their_window_out(folded: Any, cells: Any) -> None:
    counts = folded(f"a,10,candidate,c,{cells}\na,10,stable,s,90,1\na,20,stable,s,80,1\n")
    assert counts.total[:, 0].tolist() == [[0, 0], [0, 80]]
    assert counts.dropped[0].tolist() == [True, False]


def test_impossible_numbers_of_the_past_are_left_out(folded: Any) -> None:
    counts = folded("a,-10,stable,p,5,9\na,0,stable,p,6,0\na,10,stable,p,1,0\n")
    assert counts.history[0].total.tolist() == [[6]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no rows"),
        ("a,10,candidate,p,5\n", r"row 2: 5 cells, the header has 6 columns"),
        ("a,10,candidate,p,5,1\na,20,canary,p,5,1\n", r"row 3: arm must be candidate or stable, not 'canary'"),
        ("a,soon,candidate,p,5,1\n", r"row 2: time must be a number, not 'soon'"),
        ("a,10,candidate,p,5,\n", r"row 2: bad must be a number, not ''"),
        ("\n\na,10,candidate,p,five,1\n", r"row 4: total must be a number, not 'five'"),
        ("a,nan,candidate,p,5,1\n", r"row 2: time must be finite"),
        ("a,10,stable,p,5,1\na,0,candidate,p,5,1\n", r"row 3: candidate requests at time 0"),
    ],
)
def test_what_cannot_be_read_names_its_row(folded: Any, text: Any, message: Any) -> None:
    with pytest.raises(Invalid, match=message):
        folded(text)


def test_a_row_beyond_the_first_chunk_has_its_number(folded: Any) -> None:
    good = "a,10,candidate,p,5,1\n"
    with pytest.raises(Invalid, match="row 9002: bad must be a number"):
        folded(good * 9000 + "a,10,candidate,p,5,x\n")


def test_a_missing_column_is_named(folded: Any) -> None:
    with pytest.raises(Invalid, match=r"row 1: no column arm, bad; needed are rollout, time, arm, total, bad"):
        folded("", header="rollout,time,total\n")


def test_the_refusal_of_a_column_shows_a_file_that_works(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("time,arm,pod,total,bad\n10,stable,s0,480,2\n")
    with pytest.raises(Invalid, match="no column rollout; needed are") as error:
        read_rows(path)
    path.write_text(str(error.value).partition("For example:\n")[2] + "\n")
    assert read_rows(path).rollouts == ["v2"]


def test_a_missing_or_binary_file(tmp_path: Any) -> None:
    with pytest.raises(Invalid, match="cannot read"):
        read_rows(tmp_path / "none.csv")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Invalid, match="not UTF-8"):
        read_rows(tmp_path / "x.csv")


def test_candidate_rows_of_zeros_before_the_begin_are_nothing(folded: Any) -> None:
    counts = folded("a,0,candidate,p,0,0\na,10,candidate,p,5,1\n")
    assert np.array_equal(counts.total[0, 0], [5])
