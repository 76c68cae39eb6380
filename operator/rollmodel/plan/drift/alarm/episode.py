"""An alarm as an episode: from when signals changed until none does."""

from __future__ import annotations

from collections.abc import Sequence

from rollmodel.api.driftpolicy import EpisodeStatus, SignalStatus
from rollmodel.plan.drift.builder import DecisionBuilder
from rollmodel.plan.drift.status import conditions

__all__ = ["begin_episode", "end_episode"]


def begin_episode(builder: DecisionBuilder, drifted: Sequence[SignalStatus]) -> DecisionBuilder:
    """These signals changed: the next number, and an Event."""
    number = builder.status.episode.number + 1 if builder.status.episode is not None else 1
    episode = EpisodeStatus(number=number, start_time=builder.now, trigger=drifted[0].name)
    message = f"episode {number}: {conditions.names(drifted)}"
    if builder.observed.watches_candidate:
        arms = f"candidate {builder.observed.revision} differs from {builder.observed.stable_revision} at the same time"
        message = f"{arms}, {message}"
    return builder.set(episode=episode).event("Warning", "DriftDetected", message)


def end_episode(builder: DecisionBuilder, why: str) -> DecisionBuilder:
    """The alarm is over."""
    episode = builder.status.episode
    assert episode is not None  # noqa: S101  only while an alarm is on
    ended = episode.model_copy(update={"end_time": builder.now})
    return builder.set(episode=ended).event("Normal", "DriftCleared", f"episode {episode.number}: {why}")
