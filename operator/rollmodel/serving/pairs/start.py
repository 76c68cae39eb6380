"""Both sides of pairs in one model server. Whatever goes wrong, the model is served."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry

from rollmodel.errors import Invalid
from rollmodel.serving.drift.counter import kept
from rollmodel.serving.pairs.answers import MOST_ROWS, RowsOfRule, current, question_of, values_of
from rollmodel.serving.pairs.collector import ASKED_TOGETHER, Collector
from rollmodel.serving.pairs.config import PairsConfig, Rule, configured
from rollmodel.serving.pairs.metrics import PairMetrics
from rollmodel.serving.pairs.recent import RecentAnswers

__all__ = ["MOST_ASKED_BYTES", "Pairs", "start_pairs"]

#: The largest list of questions.
MOST_ASKED_BYTES = 64 * ASKED_TOGETHER
_UNSLICED = True
"""Kept in place of the data, which nobody looks at."""
_LONGEST_SLICE = 64

logger = logging.getLogger("rollmodel.serve")


class Pairs:
    """Remembers answers for those who ask, and asks others if it is told to. It is shown each call of the model."""

    def __init__(self, config: PairsConfig | None, collector: Collector | None) -> None:
        self._config, self._collector = config, collector
        self._recent = RecentAnswers()
        self._rules = config.rules if config is not None else ()
        self._looks_at_rows = any(rule.slice_by or rule.only for rule in self._rules)
        self._told = False

    def begin(self, body: bytes, content_type: bytes) -> None:
        """This thread is about to answer a request."""
        current.set(question_of(body, content_type) if self._is_needed() else None)

    def before(self, data: Any) -> Any:
        """What to keep; None where nobody compares this request."""
        if current.get() is None:
            return None
        try:
            return kept(data) if self._looks_at_rows else _UNSLICED
        except Exception as error:  # noqa: BLE001  a request must not fail for it
            self._complain(error)
            return None

    def after(self, data: Any, answer: Any) -> None:
        """The model has answered."""
        question = current.get()
        if question is None:
            return
        try:
            answers = values_of(answer)
            if self._recent.wanted():
                self._recent.put(question, answers)
            if self._collector is not None and self._collector.active:
                self._collector.put(question, answers, [_rows_of(rule, data) for rule in self._rules])
        except Exception as error:  # noqa: BLE001  a request must not fail for it
            self._complain(error)

    def answered(self, body: bytes) -> bytes:
        """The answer to another pod that asks. Raises ValueError for what is no list of questions."""
        questions = json.loads(body)["questions"] if body else []
        if not isinstance(questions, list) or len(questions) > ASKED_TOGETHER:
            raise ValueError(f"`questions` must be a list of at most {ASKED_TOGETHER}")
        found = self._recent.ask([one for one in questions if isinstance(one, str)])
        revision = self._config.revision if self._config is not None else None
        return json.dumps({"revision": revision, "answers": found}).encode()

    def _is_needed(self) -> bool:
        return self._recent.wanted() or (self._collector is not None and self._collector.active)

    def _complain(self, error: Exception) -> None:
        """Once, and without the message, which may hold a value."""
        if not self._told:
            self._told = True
            logger.warning("answers cannot be compared (%s)", type(error).__name__)


def start_pairs(registry: CollectorRegistry) -> Pairs:
    """As the pod is told; counters are added to the registry."""
    try:
        config = configured()
    except Invalid as error:
        logger.warning("%s; answers are not compared", error)
        config = None
    if config is None:
        return Pairs(None, None)
    collector = Collector(config, PairMetrics(config.rules, registry))
    collector.start()
    return Pairs(config, collector)


def _rows_of(rule: Rule, data: Any) -> RowsOfRule:
    slices = _slices_of(data, rule.slice_by) if rule.slice_by is not None else None
    if rule.only is None:
        return RowsOfRule(slices)
    feature, wanted = rule.only
    return RowsOfRule(slices, [value == wanted for value in _slices_of(data, feature) or ()])


def _slices_of(data: Any, name: str) -> Sequence[str] | None:
    """The value of a column in each of the first rows; None where there is no such column."""
    if data is _UNSLICED or isinstance(data, np.ndarray) or not hasattr(data, "get"):
        return None
    column = data.get(name)
    if column is None:
        return None
    return [str(value)[:_LONGEST_SLICE] for value in np.atleast_1d(np.asarray(column))[:MOST_ROWS].tolist()]
