"""What the judges of live rollouts have said since the dashboard began: charts without Prometheus.

With a Prometheus the past from before is read once for each rollout, and goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.cli.backtest.recording import Moment
from rollmodel.cli.common.printing.rows import status_of
from rollmodel.cli.rollout import past
from rollmodel.errors import Invalid, RollmodelError
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import Window
from rollmodel.ports.prometheus import Metrics

__all__ = ["JudgeHistory"]

#: A line of so many points is as good as any on a screen.
MOST_MOMENTS = 600

#: A rollout: the candidate's revision, and when judging began (unix seconds).
_Rollout = tuple[str, float]


@dataclass(slots=True)
class _Line:
    rollout: _Rollout
    moments: list[Moment] = field(default_factory=list)

    def add(self, moment: Moment) -> None:
        """A later moment; the same one again is none."""
        if self.moments and moment.window.end <= self.moments[-1].window.end:
            return
        self.moments.append(moment)
        if len(self.moments) > MOST_MOMENTS:
            del self.moments[1:-1:2]


class JudgeHistory:
    """Moments of the present or last rollout, by object. ``metrics``: where the past before is read, if anywhere."""

    def __init__(self, metrics: Metrics | None = None, matchers: str = "") -> None:
        self._metrics, self._matchers = metrics, matchers
        self._lines: dict[tuple[str, str], _Line] = {}
        self._asked: set[tuple[tuple[str, str], object]] = set()

    def take(self, manifest: Mapping[str, Any]) -> None:
        """Remember what the judge of an object says now; objects of other kinds say nothing."""
        found = _moment(manifest)
        if found is None:
            return
        key, (rollout, moment) = _key(manifest), found
        if key not in self._lines or self._lines[key].rollout != rollout:
            self._lines[key] = _Line(rollout)
        self._lines[key].add(moment)

    def moments(self, manifest: Mapping[str, Any]) -> Sequence[Moment]:
        """In the order of time."""
        line = self._lines.get(_key(manifest))
        return line.moments if line is not None else ()

    async def fill(self, manifest: Mapping[str, Any], now: datetime) -> str:
        """Read the past of the present or last rollout, once. What stood in the way, empty if nothing did."""
        if self._metrics is None:
            return ""
        try:
            span = past.span(manifest, now)
        except Invalid:  # nothing was judged yet
            return ""
        asked = (_key(manifest), (span.candidate, span.start))
        if asked in self._asked:
            return ""
        try:
            recording = await past.recorded(manifest, span, self._metrics, self._matchers)
            moments = await asyncio.to_thread(recording.play)
        except RollmodelError as error:
            return f"the past cannot be read from Prometheus: {error}"
        self._asked.add(asked)
        line = _Line((span.candidate, span.start))
        old = self._lines.get(_key(manifest))
        newer = old.moments if old is not None and old.rollout == line.rollout else ()
        for moment in (*moments, *newer):
            line.add(moment)
        self._lines[_key(manifest)] = line
        return ""


def _key(manifest: Mapping[str, Any]) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _moment(manifest: Mapping[str, Any]) -> tuple[_Rollout, Moment] | None:
    """The last window of the judge in a status, with the weight that was observed then."""
    if manifest["kind"] != "ModelDeployment":
        return None
    try:
        status = status_of(ModelDeploymentStatus, manifest)
        state = judge.load(status.judge) if status.judge else None
    except (Invalid, judge.StateError):
        return None
    if state is None or status.candidate is None or not state.ticks:
        return None
    window = Window(state.end - state.plan.interval, state.end)
    moment = Moment(window, judge.assess(state), status.candidate.weight / 100)
    return (status.candidate.revision, state.begun), moment
