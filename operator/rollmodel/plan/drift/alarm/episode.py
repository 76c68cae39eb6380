"""An alarm as an episode: from when signals changed until none does."""

from __future__ import annotations

from collections.abc import Sequence

from rollmodel.api.driftpolicy import EpisodeStatus, SignalStatus
from rollmodel.plan.drift.draft import Draft
from rollmodel.plan.drift.status import conditions

__all__ = ["begin_episode", "end_episode"]


def begin_episode(draft: Draft, drifted: Sequence[SignalStatus]) -> Draft:
    """These signals changed: the next number, and an Event."""
    number = draft.status.episode.number + 1 if draft.status.episode is not None else 1
    episode = EpisodeStatus(number=number, start_time=draft.now, trigger=drifted[0].name)
    message = f"episode {number}: {conditions.names(drifted)}"
    if draft.observed.watches_candidate:
        arms = f"candidate {draft.observed.revision} differs from {draft.observed.stable_revision} at the same time"
        message = f"{arms}, {message}"
    return draft.set(episode=episode).event("Warning", "DriftDetected", message)


def end_episode(draft: Draft, why: str) -> Draft:
    """The alarm is over."""
    episode = draft.status.episode
    assert episode is not None  # noqa: S101  only while an alarm is on
    ended = episode.model_copy(update={"end_time": draft.now})
    return draft.set(episode=ended).event("Normal", "DriftCleared", f"episode {episode.number}: {why}")
