"""What the API server made of our own applies: that is the truth, and to apply the same again would be a fight.

A policy or webhook may change what we apply each time. What came back is remembered, so that the next pass needs no
request; after a restart one apply, which changes nothing, finds it out again. Somebody who writes a child back each
time is another matter: that is put right a few times, then ever more rarely, and told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rollmodel.plan.canonical import canonical_json
from rollmodel.plan.decision import Event, Ref
from rollmodel.plan.diff import differences, matches
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.naming import short_hash

__all__ = ["FREE_REPAIRS", "LONGEST_PAUSE_SECONDS", "PAUSE_SECONDS", "Admitted"]

#: So many times a child is put right at once.
FREE_REPAIRS = 3
#: The first pause after that; each next one is twice as long.
PAUSE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 900.0
#: A child that was left alone for so long after the pause counts as put right for good.
_PEACE_SECONDS = 300.0

#: Paths that an Event names.
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Fight:
    repairs: int
    last: float

    @property
    def pause(self) -> float:
        """Seconds after ``last`` in which nothing is put right; 0 at first."""
        late = self.repairs - FREE_REPAIRS
        return 0.0 if late < 0 else min(PAUSE_SECONDS * 2.0**late, LONGEST_PAUSE_SECONDS)

    def over(self, now: float) -> bool:
        """Whether the child has been left alone for long enough to forget what was."""
        return now >= self.last + self.pause + _PEACE_SECONDS


class Admitted:
    """By child; of what is stored as it was applied nothing is held. ``clock`` gives seconds (``time.monotonic``)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, dict[Ref, str]] = {}
        self._fights: dict[str, dict[Ref, _Fight]] = {}

    def is_kept(self, owner: str, manifest: Manifest, live: Manifest) -> bool:
        """Whether ``live`` is what came back when this very manifest was applied."""
        kept = self._kept.get(owner, {}).get(Ref.of(manifest))
        return kept is not None and kept == _fingerprint(manifest, live)

    def pauses(self, owner: str, ref: Ref) -> bool:
        """Whether somebody has written this child back so often that it is left as it is for a while."""
        fight = self._fights.get(owner, {}).get(ref)
        return fight is not None and self._clock() < fight.last + fight.pause

    def took(self, owner: str, manifest: Manifest, stored: Manifest) -> Event | None:
        """Remember what came back; the Event to post where that is news."""
        ref, kept = Ref.of(manifest), self._kept.setdefault(owner, {})
        before = kept.pop(ref, None)
        paths = [] if matches(manifest, stored) else [path for path, _ in differences(manifest, stored)]
        if paths:
            kept[ref] = _fingerprint(manifest, stored)
        if not kept:
            del self._kept[owner]
        return _adjusted(ref, paths) if paths and kept[ref] != before else None

    def repaired(self, owner: str, ref: Ref) -> None:
        """Somebody had changed this child, and it was put right."""
        fights, now = self._fights.setdefault(owner, {}), self._clock()
        fight = fights.get(ref)
        fights[ref] = _Fight(1 if fight is None or fight.over(now) else fight.repairs + 1, now)

    def forget(self, owner: str) -> None:
        """The owner is gone."""
        self._kept.pop(owner, None)
        self._fights.pop(owner, None)


def _fingerprint(manifest: Manifest, live: Manifest) -> str:
    """Of what was applied, and of all in which the live object differs from it."""
    return short_hash(canonical_json({"applied": manifest, "differs": list(differences(manifest, live))}))


def _adjusted(ref: Ref, paths: list[str]) -> Event:
    shown = ", ".join(paths[:_SHOWN]) + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")
    text = f"{ref.kind} {ref.name}: a policy or webhook of the cluster changed what was applied ({shown}); that is kept"
    return Event("Normal", "Adjusted", text)
