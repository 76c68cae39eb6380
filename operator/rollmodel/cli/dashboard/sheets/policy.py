"""One DriftPolicy: what changed, what it can see, and what was done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rollmodel.api.driftpolicy import DriftPolicyStatus, RetrainStatus, SignalStatus
from rollmodel.cli.common.printing.rows import age, status_of
from rollmodel.cli.dashboard.sheets.sheet import Block, Cell, Facts, conditions, facts, verdict
from rollmodel.cli.rollout.report import duration

__all__ = ["blocks", "commands", "overview"]


def overview(manifest: Mapping[str, Any], now: datetime) -> Facts:
    """What it compares with, and what its alarms cost. Raises Invalid."""
    status = status_of(DriftPolicyStatus, manifest)
    profile, learnt, budget, episode = status.profile, status.learnt, status.budget, status.episode
    return facts(
        (
            ("watches", manifest["spec"]["modelDeploymentRef"]["name"]),
            ("compared with", f"the profile of revision {profile.revision}, {profile.rows} rows" if profile else ""),
            ("quiet windows", f"{learnt.windows}, {learnt.false_alarms} of them called drift at 5 %" if learnt else ""),
            ("false-alarm budget", f"{budget.spent} spent, {budget.remaining} left" if budget else ""),
            ("alarm", f"{episode.number}, raised by {episode.trigger}" if episode else ""),
            ("raised", f"{age(episode.start_time, now)} ago" if episode else ""),
            ("cleared", f"{age(episode.end_time, now)} ago" if episode and episode.end_time else ""),
            ("last look", f"{age(status.last_evaluation_time, now)} ago" if status.last_evaluation_time else ""),
        )
    )


def blocks(manifest: Mapping[str, Any], now: datetime) -> Sequence[Block]:
    """Signals, trainings, conditions. Raises Invalid."""
    status = status_of(DriftPolicyStatus, manifest)
    headings = ("Signal", "Verdict", "Since", "Window", "Rows", "PSI", "Sees", "log10 p", "What")
    asked = ("Alarm", "Ago", "Outcome", "Trigger", "TrainingJob", "Why")
    return [
        Block("Signals", headings, [_signal(one, now) for one in status.signals]),
        Block("Trainings", asked, [_training(one, now) for one in status.retrains]),
        conditions(status.conditions, now),
    ]


def commands(manifest: Mapping[str, Any]) -> Sequence[str]:
    """What helps to know more, to be copied into a terminal."""
    return [f"rollmodel describe dpol/{manifest['metadata']['name']} -n {manifest['metadata']['namespace']}"]


def _signal(one: SignalStatus, now: datetime) -> Sequence[Cell]:
    word = f"{one.verdict} ({one.severity})" if one.severity else one.verdict
    level = {"Drifted": "bad", "Suspected": "look", "Blind": "look", "Insufficient": "look"}.get(one.verdict, "")
    texts = (
        age(one.since, now),
        duration(one.window_seconds),
        str(one.samples or ""),
        one.corrected_psi or "",
        one.min_detectable_psi or "",
        one.log10_p or "",
        one.message or "",
    )
    return [Cell(one.name), Cell(word, level), *map(Cell, texts)]


def _training(one: RetrainStatus, now: datetime) -> Sequence[Cell]:
    texts = (one.episode, age(one.time, now))
    rest = (one.trigger, one.training_job or "", one.message or "")
    return [*map(Cell, texts), verdict(one.outcome), *map(Cell, rest)]
