"""Counts of past steps, kept between two looks; the policies of a namespace share its room.

What had to go is asked of Prometheus again at the next look: that costs one larger answer, and no other namespace any
memory.
"""

from __future__ import annotations

from collections import Counter, OrderedDict

from rollmodel.plan.drift.evaluation.history import MOST_NUMBERS, History

__all__ = ["ROOM", "Histories"]

#: Numbers that are kept for one namespace: those of two of the largest policies, 128 MiB.
ROOM = 2 * MOST_NUMBERS

#: UID of a policy, and whether it is the watched revision or the one that it is compared with.
_Key = tuple[str, str]


class Histories:
    """By policy: the revision, and its counts."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, tuple[str, str, History]] = OrderedDict()
        self._numbers: Counter[str] = Counter()

    def get(self, key: _Key) -> tuple[str, History] | None:
        """The revision and its counts, if they are still there."""
        found = self._kept.get(key)
        return found[1:] if found is not None else None

    def keep(self, namespace: str, key: _Key, revision: str, history: History) -> None:
        """Keep these; the oldest of the namespace go while it has more than :data:`ROOM`."""
        self._drop(key)
        self._kept[key] = namespace, revision, history
        self._numbers[namespace] += history.numbers
        for other in [other for other, (whose, _, _) in self._kept.items() if whose == namespace and other != key]:
            if self._numbers[namespace] <= ROOM:
                break
            self._drop(other)

    def forget(self, uid: str) -> None:
        """The policy is gone."""
        for key in [key for key in self._kept if key[0] == uid]:
            self._drop(key)

    def _drop(self, key: _Key) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            namespace, _, history = found
            self._numbers[namespace] -= history.numbers
            self._numbers += Counter()  # without namespaces that have nothing
