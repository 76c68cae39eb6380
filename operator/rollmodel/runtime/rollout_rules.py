"""The rules of rollouts as their ConfigMaps are written: what is wrong with one is logged, and counted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from rollmodel.api.coordination import CONFIG_MAP
from rollmodel.plan.coordination.rule_book import RuleBook, whose_name

__all__ = ["RolloutRules"]

_log = logging.getLogger(__name__)


class RolloutRules:
    """Keeps the rules, and tells ``changed`` about new ones.

    ``own`` is the namespace whose ConfigMap has the cluster's rules. ``required``: where they may not be read, nothing
    begins; otherwise there are none then, as for an operator whose role is that of an earlier release.
    """

    def __init__(self, own: str | None, changed: Callable[[RuleBook], None], *, required: bool = False) -> None:
        self._own, self._changed, self._required = own, changed, required
        self.book = RuleBook()

    def on_config_map(self, namespace: str, data: Mapping[str, str] | None) -> None:
        """A ConfigMap of the name is there, has changed, or is gone."""
        whose = "" if namespace == self._own else namespace
        book = self.book.changed(whose, data)
        error = book.problems.get(whose)
        if error is not None and self.book.problems.get(whose) != error:
            holds = "nothing begins" if whose in book.blocked else "those before it hold"
            where = f"ConfigMap {namespace}/{CONFIG_MAP}, rules of {whose_name(whose)}"
            _log.error("%s: not understood, so %s: %s", where, holds, error)
        elif error is None and whose in self.book.problems:
            _log.info("ConfigMap %s/%s: understood again, or gone", namespace, CONFIG_MAP)
        self._take(book)

    def on_forbidden(self, message: str) -> None:
        """They may not be read, and have not been."""
        if self._required:
            told = f"they may not be read: {message}"
            blocked, problems = {**self.book.blocked, "": told}, {**self.book.problems, "": told}
            self._take(replace(self.book, blocked=blocked, problems=problems))

    @property
    def not_understood(self) -> int:
        """How many of these ConfigMaps are not understood, or may not be read."""
        return len(self.book.problems)

    def _take(self, book: RuleBook) -> None:
        if book != self.book:
            self.book = book
            self._changed(book)
