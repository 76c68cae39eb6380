"""What the metrics say about a rollout in this pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rollmodel.evidence.core.types import Assessment, JudgePlan, Outcome

__all__ = ["NOT_ASKED", "AnalysisResult"]


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """Whether the metrics can be read, and the judge's opinion about one candidate.

    ``status``, ``reason`` and ``message`` make the condition MetricsAvailable. ``blind_since`` is set while they cannot
    be read. ``plan`` is what the judge goes by. ``seen_until`` is the end of the last window that the judge has seen.
    ``sample_age``: how old the newest sample was that moved a counter, in seconds; None where none was asked for, or
    none moved.
    """

    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    revision: str | None = None
    assessment: Assessment | None = None
    plan: JudgePlan | None = None
    blind_since: datetime | None = None
    seen_until: datetime | None = None
    sample_age: float | None = None

    def outcome(self, revision: str) -> Outcome:
        """The verdict about a revision; Undecided where there is none, NoData while the metrics cannot be read."""
        if self.blind_since is not None:
            return self.latched(revision) or Outcome.NO_DATA
        if self.assessment is None or self.revision != revision:
            return Outcome.UNDECIDED
        return self.assessment.outcome

    def latched(self, revision: str) -> Outcome | None:
        """A proof of harm stays one, also while nothing can be read."""
        if self.assessment is None or self.revision != revision:
            return None
        proven = self.assessment.outcome in {Outcome.HARM, Outcome.CEILING}
        return self.assessment.outcome if proven else None


NOT_ASKED = AnalysisResult("Unknown", "NotNeeded", "metrics are read while a candidate is tried")
