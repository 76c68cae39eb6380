"""What an earlier release saw and decided, kept as JSON in ``tests/unit/plan/recorded``.

A file is one story: an object's life in a few moments. ``decision`` holds what differs from the look: the new status
from the old one, a manifest from the live child. ``look`` holds what differs from the look before, once its decision is
carried out; the first look of a story differs from ``base.json``. Names are those of the release that wrote them; where
today's differ, they are translated here and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from rollmodel.evidence.packed import unpack
from rollmodel.plan.decision import (
    ApplyObject,
    Decision,
    DeleteObject,
    EmitEvent,
    TrackingWrite,
    WriteRegistry,
)
from rollmodel.plan.deployment.decide import decide as decide_deployment
from rollmodel.plan.deployment.observed import Observed as ObservedDeployment
from rollmodel.plan.training.decide import decide as decide_training
from rollmodel.plan.training.observed import Observed as ObservedTraining

__all__ = [
    "STORIES",
    "Moment",
    "carried_out",
    "difference",
    "leaves",
    "look_of",
    "lost",
    "moments",
    "patched",
    "plain",
    "read",
    "story_of",
]

STORIES = Path(__file__).parents[1] / "unit" / "plan" / "recorded"
#: In place of a value: the key is there no more.
GONE = "(gone)"
_WIDTH = 120
#: Fields of ``Observed`` that were called otherwise.
_RENAMED = {"wants": "read_set"}
#: Of a query without an answer: the question, which ``queries`` knows anyway.
_REPEATED = {"query"}
_KINDS: Mapping[str, tuple[Callable[[Any], Any], TypeAdapter[Any]]] = {
    "ModelDeployment": (decide_deployment, TypeAdapter(ObservedDeployment)),
    "TrainingJob": (decide_training, TypeAdapter(ObservedTraining)),
}

Plain = dict[str, Any]


@dataclass(frozen=True)
class Moment:
    """One pass: ``look`` is ``Observed`` as JSON, with its children by ``Kind/name``, ``decision`` what came of it."""

    path: Path
    number: int
    kind: str
    what: str
    look: Plain
    decision: Plain

    @property
    def story(self) -> str:
        """Name of the story."""
        return self.path.stem

    def observed(self) -> Any:
        """What ``decide`` takes."""
        _, observed = _KINDS[self.kind]
        facts = {_RENAMED.get(name, name): value for name, value in self.look.items()}
        return observed.validate_python({**facts, "children": [one for _, one in sorted(facts["children"].items())]})

    def decide(self) -> Plain:
        """What the code of today decides, as JSON."""
        decide, _ = _KINDS[self.kind]
        return _decided(self.look, decide(self.observed()))


def moments(folder: Path = STORIES) -> Iterator[Moment]:
    """All moments of all stories."""
    for path in sorted(folder.glob("*/*.json")):
        if path.name != "base.json":
            yield from read(path)


def read(path: Path) -> Iterator[Moment]:
    """The moments of one story."""
    story, before = (json.loads(one.read_text(encoding="utf-8")) for one in (path, path.with_name("base.json")))
    for number, moment in enumerate(story["moments"]):
        look = patched(before, moment["look"])
        yield Moment(path, number, story["kind"], moment["what"], look, moment["decision"])
        before = carried_out(look, moment["decision"])


def story_of(found: Sequence[Moment]) -> str:
    """The text of a story, with the decisions of today."""
    before, written = json.loads(found[0].path.with_name("base.json").read_text(encoding="utf-8")), []
    for moment in found:
        decision = moment.decide()
        written.append({"what": moment.what, "look": difference(before, moment.look), "decision": decision})
        before = carried_out(moment.look, decision)
    return text_of({"kind": found[0].kind, "moments": written}) + "\n"


def carried_out(look: Plain, decision: Plain) -> Plain:
    """The look, with the decision carried out on status and children."""
    children = dict(look["children"])
    for address, change in decision.get("apply", ()):
        children[address] = patched(children.get(address, {}), change)
    return {**look, "status": patched(look["status"], decision.get("status", {})), "children": children}


# -- from today's objects to JSON --------------------------------------------------------------------------------------


def look_of(observed: Any) -> Plain:
    """A look as JSON, in the words of the release that wrote the stories."""
    before = {new: old for old, new in _RENAMED.items()}
    look = {before.get(name, name): value for name, value in plain(observed).items()}
    return {**look, "children": {_address(child): child for child in look["children"]}}


def _decided(look: Plain, decision: Decision) -> Plain:
    """A decision as JSON, as it differs from the look."""
    children = look["children"]
    applied = [plain(effect.manifest) for effect in decision.of(ApplyObject)]
    whole = {
        "status": difference(look["status"], _opened(plain(decision.status))),
        "apply": [[_address(one), difference(children.get(_address(one), {}), one)] for one in applied],
        "delete": plain(decision.of(DeleteObject)),
        "events": [plain(effect.event) for effect in decision.of(EmitEvent)],
        "registry": plain(decision.of(WriteRegistry)),
        "tracking": [plain(effect) for effect in decision.effects if isinstance(effect, TrackingWrite)],
        "requeue_after": decision.requeue_after,
    }
    return {key: value for key, value in whole.items() if value not in (None, [], {})}


def plain(value: Any) -> Any:
    """Data classes and models as JSON, without what is None by default."""
    if isinstance(value, BaseModel):
        return value.to_wire() if hasattr(value, "to_wire") else value.model_dump(mode="json")
    if is_dataclass(value):
        found = {field: getattr(value, field.name) for field in fields(value)}
        return {field.name: plain(one) for field, one in found.items() if one is not None or field.default is MISSING}
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each number, text and truth value of plain data after its path; what is empty is a leaf as well."""
    if isinstance(value, Mapping | list) and value:
        for key, one in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from leaves(one, f"{path}/{key}")
    else:
        yield path, value


def _opened(status: Plain) -> Plain:
    """The status with the judge's state as JSON, as releases wrote it before they packed it."""
    return {**status, "judge": unpack(status["judge"])} if status.get("judge") else status


def _address(manifest: Mapping[str, Any]) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def lost(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """Where a fact that was recorded is not what today's object says. Facts that are new today are no loss."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        known = _REPEATED if {"reason", "message", "query"} == set(before) else set()
        for key in before.keys() - known:
            yield from lost(before[key], now.get(key), f"{path}/{key}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, pair in enumerate(zip(before, now, strict=True)):
            yield from lost(*pair, f"{path}/{index}")
    elif before != now:
        yield f"{path}: {before!r} is {now!r}"


# -- what differs ------------------------------------------------------------------------------------------------------


def difference(old: Any, new: Any) -> Any:
    """What :func:`patched` needs to make the new value of the old one; {} for equal objects.

    Of objects, the keys that changed; of lists of as many objects as before, by index.
    """
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and _objects([*old, *new]):
        pairs = {str(i): difference(*pair) for i, pair in enumerate(zip(old, new, strict=True))}
        return {index: change for index, change in pairs.items() if change}
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    changed = {key: GONE for key in old if key not in new}
    return changed | {
        key: difference(old[key], value) if key in old else value
        for key, value in new.items()
        if key not in old or value != old[key]
    }


def patched(old: Any, change: Any) -> Any:
    """The old value with the change made."""
    if not isinstance(change, dict):
        return change
    if isinstance(old, list):
        return [patched(one, change.get(str(index), {})) for index, one in enumerate(old)]
    if not isinstance(old, dict):
        return change
    new = {key: patched(old.get(key), change[key]) if key in change else old[key] for key in [*old, *change]}
    return {key: value for key, value in new.items() if value != GONE}


def _objects(values: list[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def text_of(value: Any, indent: int = 0) -> str:
    """JSON in which whatever fits in a line, or has no depth, is a line."""
    line = json.dumps(value, ensure_ascii=False)
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if len(line) + indent <= _WIDTH or not any(isinstance(one, dict | list) for one in _leaves(parts)):
        return line
    pad = " " * (indent + 1)
    names = [f"{json.dumps(key)}: " for key in value] if isinstance(value, dict) else [""] * len(parts)
    inner = ",\n".join(f"{pad}{name}{text_of(one, indent + 1)}" for name, one in zip(names, parts, strict=True))
    opening, closing = line[0], line[-1]
    return f"{opening}\n{inner}\n{' ' * indent}{closing}"


def _leaves(parts: list[Any]) -> list[Any]:
    """Of points, their numbers."""
    return [number for pair in parts for number in pair] if all(isinstance(one, list) for one in parts) else parts
