"""The story of the loop in four acts, each ended by what the cluster says, not by a clock."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import yaml
from rich.console import Console
from rollmodel.api.conditions import find
from rollmodel.api.driftpolicy import DriftPolicyStatus, SignalKind
from rollmodel.api.modeldeployment import HistoryEntry, ModelDeploymentStatus

from demo.loop.clinic import Clinic, visits
from demo.stack import ROOT, Stack
from demo.watching import DemoFailedError

__all__ = ["HOST", "NAME", "LoopStory", "Moment", "estimated_accuracy", "play"]

NAME = "clinic"
HOST = "clinic.example.com"
EXAMPLE = ROOT / "examples" / "training" / "clinic.yaml"
#: Nothing may be raised for so long: as long as an alarm takes, and longer.
QUIET_SECONDS = 45
PATIENCE_SECONDS = 600
_ESTIMATED = re.compile(r"accuracy (0\.\d+|1\.0+) estimated")


@dataclass(frozen=True, slots=True)
class Moment:
    """What policy and deployment said at one time (unix seconds). ``psi`` is that of the signal that changed most,
    ``estimated`` the accuracy as the policy estimates it from scores, without outcomes.
    """

    time: float
    state: str
    psi: float
    stable: str
    candidate: str
    weight: int
    estimated: float | None = None


@dataclass(slots=True)
class LoopStory:
    """What was observed. ``acts`` are (unix seconds, what the demo did)."""

    clinic: Clinic
    moments: list[Moment] = field(default_factory=list)
    acts: list[tuple[float, str]] = field(default_factory=list)
    alarms_when_quiet: list[str] = field(default_factory=list)
    blocked: str = ""
    policy: DriftPolicyStatus = field(default_factory=DriftPolicyStatus)
    history: list[HistoryEntry] = field(default_factory=list)
    trainings: list[dict[str, Any]] = field(default_factory=list)

    def accuracy(self, after: float, until: float) -> float | None:
        """Share of right answers in that time; None without answers."""
        inside = [(right, rows) for moment, right, rows in self.clinic.accuracy if after <= moment < until]
        total = sum(rows for _, rows in inside)
        return sum(right for right, _ in inside) / total if total else None

    def between(self, name: str) -> tuple[float, float]:
        """When an act began, and when the next one did."""
        at = next(index for index, (_, act) in enumerate(self.acts) if act == name)
        return self.acts[at][0], self.acts[at + 1][0] if at + 1 < len(self.acts) else time.time()


class Loop:
    """Follows both objects once a second, and keeps what they said."""

    def __init__(self, stack: Stack, console: Console, operator_runs: Callable[[], bool], story: LoopStory) -> None:
        self._stack, self._console, self._operator_runs, self._story = stack, console, operator_runs, story
        self._last = ""

    def act(self, name: str, text: str) -> None:
        """Begin an act: its time and name go into the report, its text to the console."""
        self._story.acts.append((time.time(), name))
        self._console.print(f"\n[bold]{name}[/]: {text}")

    async def until(self, what: str, done: Callable[[DriftPolicyStatus, ModelDeploymentStatus], bool]) -> None:
        """Wait until it is so. Raises DemoFailedError after PATIENCE_SECONDS."""
        begun = time.monotonic()
        while True:
            policy, deployment = await asyncio.to_thread(self._read)
            self._note(policy, deployment, time.monotonic() - begun)
            if done(policy, deployment):
                return
            if not self._operator_runs():
                raise DemoFailedError("the operator has ended")
            if time.monotonic() - begun > PATIENCE_SECONDS:
                raise DemoFailedError(f"not within {PATIENCE_SECONDS} s: {what}. Last seen: {self._last}")
            await asyncio.sleep(1.0)

    async def quiet(self, seconds: float) -> None:
        """Look on for so long; what is raised meanwhile is a false alarm."""
        end, known = time.monotonic() + seconds, self._alarms()
        await self.until("a quiet stretch", lambda _, __: time.monotonic() > end)
        self._story.alarms_when_quiet += [f"episode {number}" for number in range(known + 1, self._alarms() + 1)]

    def _alarms(self) -> int:
        episode = self._story.policy.episode
        return episode.number if episode is not None else 0

    def _read(self) -> tuple[DriftPolicyStatus, ModelDeploymentStatus]:
        policy = self._stack.kubectl.get("driftpolicies", NAME) or {}
        deployment = self._stack.kubectl.get("modeldeployments", NAME) or {}
        self._story.policy = DriftPolicyStatus.model_validate(policy.get("status", {}))
        status = ModelDeploymentStatus.model_validate(deployment.get("status", {}))
        self._story.history = list(status.history)
        return self._story.policy, status

    def _note(self, policy: DriftPolicyStatus, deployment: ModelDeploymentStatus, elapsed: float) -> None:
        state, stable, candidate = state_of(policy), deployment.stable, deployment.candidate
        sizes = [float(one.corrected_psi) for one in policy.signals if one.corrected_psi]
        moment = Moment(
            time=time.time(),
            state=state,
            psi=max([0.0, *sizes]),
            stable=(stable.model_version or "") if stable else "",
            candidate=(candidate.model_version or "") if candidate else "",
            weight=candidate.weight if candidate else 0,
            estimated=estimated_accuracy(policy),
        )
        self._story.moments.append(moment)
        retrain = policy.retrains[0].outcome if policy.retrains else "no training"
        trying = f", tries v{moment.candidate} at {moment.weight} %" if moment.candidate else ""
        line = f"{state}; v{moment.stable or '-'} serves{trying}; {retrain}"
        if line != self._last:
            self._last = line
            self._console.print(f"  {elapsed:5.0f} s  {line}", soft_wrap=True, markup=False)


def estimated_accuracy(policy: DriftPolicyStatus) -> float | None:
    """As status tells it; None while nothing is estimated."""
    told = (one.message or "" for one in policy.signals if one.kind == SignalKind.ESTIMATED_PERFORMANCE)
    found = next(filter(None, (_ESTIMATED.match(message) for message in told)), None)
    return float(found[1]) if found else None


def state_of(policy: DriftPolicyStatus) -> str:
    """What the policy says, in one word."""
    ready = find(policy.conditions, "Ready")
    return ready.reason if ready is not None else "Pending"


async def play(stack: Stack, console: Console, operator_runs: Callable[[], bool], rate: float) -> LoopStory:
    """Learn, drift, break. Raises DemoFailedError at the first thing not observed."""
    clinic = Clinic(stack.gateway_url, HOST, stack.mlflow_url, rate=rate)
    story = LoopStory(clinic)
    loop = Loop(stack, console, operator_runs, story)
    training, deployment, policy = yaml.safe_load_all(EXAMPLE.read_text())
    await asyncio.to_thread(clinic.upload, visits("screening"))
    loop.act("install", f"kubectl apply -f {EXAMPLE.relative_to(ROOT)}: a first model, of the screening centre")
    stack.apply_gateway()
    stack.kubectl.apply(training, deployment)
    await loop.until("the first version serves", lambda _, now: _rests(now))
    async with _at_work(clinic):
        loop.act("quiet", "patients of the screening centre come; the policy learns how much they vary")
        stack.kubectl.apply(policy)
        await loop.until("the policy has learnt", lambda now, _: state_of(now) == "Stable")
        await loop.quiet(QUIET_SECONDS)
        await _drift(loop, clinic, story)
        loop.act("quiet again", "the same patients as before")
        await loop.until("the new model's policy has learnt", lambda now, _: state_of(now) == "Stable")
        await loop.quiet(QUIET_SECONDS)
        clinic.change("broken")
        loop.act("broken", "an interface loses 60 % of one measurement")
        await loop.until(
            "broken data block the training", lambda now, _: _blocked(now) == "BrokenData" and _drifted(now)
        )
        await loop.quiet(20.0)
        story.blocked = _blocked(story.policy)
    story.acts.append((time.time(), "end"))
    jobs = await asyncio.to_thread(stack.kubectl.list, "trainingjobs")
    story.trainings = [job for job in jobs if job["metadata"].get("ownerReferences")]
    return story


async def _drift(loop: Loop, clinic: Clinic, story: LoopStory) -> None:
    clinic.change("referrals")
    loop.act("drift", "large tumours are referred to the clinic now")
    await loop.until("the alarm", lambda now, _: now.episode is not None and bool(now.retrains))
    await loop.until("the retrained version is promoted", lambda now, there: _promoted(now) and _rests(there))
    story.acts.append((time.time(), "promoted"))


@contextlib.asynccontextmanager
async def _at_work(clinic: Clinic) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(clinic.run()), asyncio.create_task(clinic.tell_outcomes())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*tasks, return_exceptions=True)


def _rests(status: ModelDeploymentStatus) -> bool:
    stable = status.stable
    ready = stable is not None and stable.weight == 100 and stable.ready_replicas > 0
    return ready and status.candidate is None and not status.retiring and bool(status.history)


def _promoted(policy: DriftPolicyStatus) -> bool:
    newest = next(iter(policy.retrains), None)
    if newest is not None and newest.outcome in {"Failed", "RolledBack", "Ineffective"}:
        raise DemoFailedError(f"the training did not help: {newest.outcome}: {newest.message}")
    return newest is not None and newest.outcome == "Promoted"


def _blocked(policy: DriftPolicyStatus) -> str:
    condition = find(policy.conditions, "RetrainBlocked")
    return condition.reason if condition is not None and condition.status == "True" else ""


def _drifted(policy: DriftPolicyStatus) -> bool:
    return state_of(policy) == "Drifted"
