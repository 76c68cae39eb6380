"""What Prometheus learns of pairs. The names are a contract with the operator (docs/adr/0019-paired-answers.md)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

from prometheus_client import CollectorRegistry, Counter

from rollmodel.serving.pairs.answers import Answers, RowsOfRule, differences, differing_rows
from rollmodel.serving.pairs.config import Rule

__all__ = ["LOST", "PairMetrics"]

#: Why a copy is in no pair: no pod of stable answered the same request, it is a repetition, or there were too many.
LOST = ("not_found", "repeated", "too_many")
SIGNS = ("positive", "negative")
#: Slices by rule; rows of further ones are counted together.
MOST_SLICES = 20
OTHER = "(other)"


class PairMetrics:
    """Counters of this process; all but slices are there from the start, at 0."""

    def __init__(self, rules: Sequence[Rule], registry: CollectorRegistry) -> None:
        self._rules = rules
        self._pairs = Counter(
            "rollmodel_server_pairs", "Requests that both versions answered.", ["rule"], registry=registry
        )
        self._differing = Counter(
            "rollmodel_server_pairs_differing",
            "Sum of the parts of their rows that differ.",
            ["rule"],
            registry=registry,
        )
        self._lost = Counter(
            "rollmodel_server_copies_unpaired", "Copies that are in no pair, by reason.", ["reason"], registry=registry
        )
        self._difference = Counter(
            "rollmodel_server_pair_difference",
            "Sum of candidate minus stable over rows with numbers, by sign.",
            ["sign"],
            registry=registry,
        )
        self._numbers = Counter("rollmodel_server_pair_numbers", "Rows with numbers on both sides.", registry=registry)
        slices = ["rule", "slice"]
        self._rows = Counter("rollmodel_server_pair_rows", "Rows of pairs by slice.", slices, registry=registry)
        self._differing_rows = Counter(
            "rollmodel_server_pair_rows_differing", "Rows that differ by slice.", slices, registry=registry
        )
        self._mean = Counter(
            "rollmodel_server_pairs_mean_difference",
            "Sum of the means of candidate minus stable, in parts of the rule's largest, by sign.",
            ["rule", "sign"],
            registry=registry,
        )
        self._squares = Counter(
            "rollmodel_server_pairs_mean_squares", "Sum of the squares of these means.", ["rule"], registry=registry
        )
        self._slices: dict[str, set[str]] = {rule.name: set() for rule in rules}
        for rule in rules:
            self._pairs.labels(rule.name)
            if rule.mean_up_to is None:
                self._differing.labels(rule.name)
                continue
            self._squares.labels(rule.name)
            for sign in SIGNS:
                self._mean.labels(rule.name, sign)
        for reason in LOST:
            self._lost.labels(reason)
        for sign in SIGNS:
            self._difference.labels(sign)

    def lose(self, reason: str, copies: int = 1) -> None:
        """So many copies are in no pair."""
        if copies:
            self._lost.labels(reason).inc(copies)

    def count(self, ours: Answers, theirs: Answers, rows: Sequence[RowsOfRule]) -> None:
        """A pair. ``rows``: of each rule; a request without a row that counts is no pair of it."""
        for rule, of_rule in zip(self._rules, rows, strict=True):
            if rule.mean_up_to is not None:
                self._count_mean(rule.name, differences(rule.mean_up_to, ours, theirs), of_rule)
                continue
            differ = differing_rows(rule, ours, theirs)
            counted = differ if of_rule.chosen is None else list(compress(differ, of_rule.chosen))
            if not counted:
                continue
            self._pairs.labels(rule.name).inc()
            self._differing.labels(rule.name).inc(sum(counted) / len(counted))
            for name, differs in zip(of_rule.slices or (), differ, strict=False):
                label = self._slice(rule.name, name)
                self._rows.labels(rule.name, label).inc()
                self._differing_rows.labels(rule.name, label).inc(differs)
        if len(ours) == len(theirs):
            self._count_difference(ours, theirs)

    def _count_mean(self, rule: str, of_rows: Sequence[float], rows: RowsOfRule) -> None:
        counted = of_rows if rows.chosen is None else list(compress(of_rows, rows.chosen))
        if counted:
            mean = sum(counted) / len(counted)
            self._pairs.labels(rule).inc()
            self._mean.labels(rule, SIGNS[mean < 0]).inc(abs(mean))
            self._squares.labels(rule).inc(mean * mean)

    def _count_difference(self, ours: Answers, theirs: Answers) -> None:
        both = [(a, b) for a, b in zip(ours, theirs, strict=True) if isinstance(a, float) and isinstance(b, float)]
        for a, b in both:
            self._difference.labels("positive" if a > b else "negative").inc(abs(a - b))
        self._numbers.inc(len(both))

    def _slice(self, rule: str, name: str) -> str:
        known = self._slices[rule]
        if name not in known and len(known) >= MOST_SLICES:
            return OTHER
        known.add(name)
        return name
