"""What a pass could not find out, as data: the plan decides what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from rollmodel.errors import RollmodelError, Transient

__all__ = ["Problem"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A neighbour could not be asked, or said no. ``transient`` ones are worth another try.

    ``reason`` is a word for a condition, ``message`` goes beside it. Metrics are asked again at every tick, so
    ``transient`` means nothing for them.
    """

    reason: str
    message: str
    transient: bool = False

    @classmethod
    def of(cls, error: RollmodelError) -> Problem:
        """The problem that an exception tells of."""
        return cls(error.reason, str(error), transient=isinstance(error, Transient))
