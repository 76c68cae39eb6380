"""What of an answer is compared, and how long it is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from rollmodel.serving.pairs import recent
from rollmodel.serving.pairs.answers import Answers, differing_rows, question_of, values_of
from rollmodel.serving.pairs.config import Rule
from rollmodel.serving.pairs.recent import RecentAnswers

from tests.support.ticking import Ticking
from tests.unit.serving.pairs.conftest import CLASSES


@pytest.mark.parametrize(
    ("answer", "values"),
    [
        (np.array([0, 1]), (0.0, 1.0)),
        (np.array([[0.8, 0.2], [0.1, 0.9]]), (0.2, 0.9)),
        (np.array([[0.1, 0.7, 0.2]]), (1.0,)),
        (["cat", "dog"], ("cat", "dog")),
        (pd.Series([True, False]), (1.0, 0.0)),
        (pd.DataFrame({"p": [0.5]}), (0.5,)),
        (3.5, (3.5,)),
        (np.array([np.nan]), ("nan",)),
        (range(100), tuple(float(i) for i in range(64))),
    ],
)
def test_a_value_for_each_row(answer: Any, values: Answers) -> None:
    assert values_of(answer) == values


@pytest.mark.parametrize(
    "answer",
    [{"a": 1}, [{"a": 1}], pd.DataFrame({"a": ["x"], "b": [1], "c": [None]}), [[1], [2, 3]], "x" * 100, [["a", "b"]]],
)
def test_what_is_no_number_is_the_same_where_it_is_the_same(answer: Any) -> None:
    assert values_of(answer) == values_of(answer)
    assert all(isinstance(value, str) and len(value) <= 64 for value in values_of(answer))
    assert values_of(answer) != values_of({"a": 2})


@pytest.mark.parametrize(
    ("rule", "ours", "theirs", "differ"),
    [
        (CLASSES, (0.0, 1.0), (0.0, 0.0), [False, True]),
        (CLASSES, ("cat",), ("dog",), [True]),
        (CLASSES, (1.0,), ("1",), [True]),
        (CLASSES, (1.0,), (1.0, 1.0), [True]),
        (Rule("r", differs_by=0.1), (0.5, 0.5), (0.55, 0.65), [False, True]),
        (Rule("r", threshold=0.5), (0.51, 0.9, 0.5), (0.5, 0.6, 0.1), [True, False, False]),
        (Rule("r", threshold=0.5), ("nan",), ("nan",), [False]),
    ],
)
def test_what_is_a_difference(rule: Rule, ours: Answers, theirs: Answers, differ: list[bool]) -> None:
    assert differing_rows(rule, ours, theirs) == differ


def test_a_question_is_its_body_and_its_type() -> None:
    first = question_of(b"1,2", b"text/csv")
    assert first == question_of(b"1,2", b"text/csv")
    assert len({first, question_of(b"1,3", b"text/csv"), question_of(b"1,2", b"application/json")}) == 3


def test_answers_are_kept_only_while_somebody_asks() -> None:
    clock = Ticking(1000.0)
    kept = RecentAnswers(clock)
    assert not kept.wanted()
    assert kept.ask(["q"]) == {}
    assert kept.wanted()
    kept.put("q", (1.0,))
    assert kept.ask(["q", "other"]) == {"q": (1.0,)}
    clock.now += recent.WANTED_SECONDS
    assert not kept.wanted()
    assert kept.ask(["q"]) == {}, "nothing is left of what was kept"


def test_answers_get_old() -> None:
    clock = Ticking(1000.0)
    kept = RecentAnswers(clock)
    kept.put("q", (1.0,))
    clock.now += recent.KEPT_SECONDS
    assert kept.ask(["q"]) == {}


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_QUESTIONS", 3)
    monkeypatch.setattr(recent, "MOST_VALUES", 5)
    kept = RecentAnswers(Ticking(1000.0))
    for number in range(4):
        kept.put(str(number), (1.0,))
    assert list(kept.ask("0123")) == ["1", "2", "3"]
    kept.put("4", (1.0,) * 4)
    assert list(kept.ask("01234")) == ["3", "4"]
