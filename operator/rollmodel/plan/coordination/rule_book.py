"""All rules that are known: the cluster's, and those of namespaces that have their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TypeVar

from rollmodel.api.coordination import Rules
from rollmodel.errors import Invalid
from rollmodel.plan.coordination.rules import parse
from rollmodel.plan.coordination.standing import Standing

__all__ = ["RuleBook", "whose_name"]

T = TypeVar("T")


def whose_name(whose: str) -> str:
    """Whose rules they are, for people."""
    return f"namespace {whose}" if whose else "the cluster"


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rules by whose they are: a namespace, or the empty string for the cluster.

    ``problems`` says what is wrong with the newest text of rules: the last ones that were understood hold. Where there
    are none, as after a restart, it also stands in ``blocked``: nothing begins, for it may be a freeze.
    """

    rules: Mapping[str, Rules] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    blocked: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nobody is held up."""
        return not self.rules and not self.blocked

    @property
    def counts(self) -> bool:
        """Whether it matters what others do."""
        return any(rules.limits or rules.groups for rules in self.rules.values())

    def changed(self, whose: str, data: Mapping[str, str] | None) -> RuleBook:
        """With a new text, the data of a ConfigMap; None: there is none any more."""
        cleared = self._without(whose)
        if data is None:
            return cleared
        try:
            rules = parse(data, cluster=not whose)
        except Invalid as error:
            before, problems = self.rules.get(whose), {**self.problems, whose: str(error)}
            if before is None:
                return replace(cleared, problems=problems, blocked={**self.blocked, whose: str(error)})
            return replace(self, problems=problems)
        return replace(cleared, rules={**cleared.rules, whose: rules}) if rules != Rules() else cleared

    def around(self, one: Standing) -> list[tuple[str, Rules]]:
        """The rules that count an object, each with whose they are."""
        return [(whose, self.rules[whose]) for whose in ("", one.namespace) if whose in self.rules]

    def of(self, one: Standing) -> list[tuple[str, Rules]]:
        """Those that also hold it up."""
        return [
            (whose, rules)
            for whose, rules in self.around(one)
            if not any(fnmatchcase(one.key, pattern) for pattern in rules.exempt)
        ]

    def _without(self, whose: str) -> RuleBook:
        return RuleBook(_but(whose, self.rules), _but(whose, self.problems), _but(whose, self.blocked))


def _but(key: str, part: Mapping[str, T]) -> dict[str, T]:
    """All entries but that of this key."""
    return {other: value for other, value in part.items() if other != key}
