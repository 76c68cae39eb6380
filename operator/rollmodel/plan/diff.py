"""Is everything that we want already there? So that an unchanged world costs no write.

The API server adds defaults and others add fields of their own, so a live object is *more* than its manifest. The rules
follow the merge rules of server-side apply: maps by subset, lists of named objects by name, atomic fields exactly.
A Job is the exception: once it exists, all that we may change of its spec is ``suspend``, so nothing else is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

__all__ = ["differences", "matches", "quantity"]

#: Fields that the API replaces as a whole. What is absent here must be absent there.
_ATOMIC = {
    ("Service", "spec", "selector"),
    ("Deployment", "spec", "selector"),
    ("HTTPRoute", "spec", "rules"),
    ("GRPCRoute", "spec", "rules"),
    ("PodDisruptionBudget", "spec", "selector"),
    ("InferencePool", "spec", "selector"),
    ("InferencePool", "spec", "targetPorts"),
    ("HTTPRoute", "spec", "hostnames"),
    ("GRPCRoute", "spec", "hostnames"),
    ("HTTPRoute", "spec", "parentRefs"),
    ("GRPCRoute", "spec", "parentRefs"),
    ("ControllerRevision", "data"),
}
_QUANTITIES = {"requests", "limits", "sizeLimit", "averageValue"}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)")
_LIST_KEYS = {"volumeMounts": "mountPath", "ownerReferences": "uid", "topologySpreadConstraints": "topologyKey"}
_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{prefix: Decimal(1000) ** power for power, prefix in enumerate("kMGTPE", start=1)},
    **{f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("KMGTPE", start=1)},
}


def matches(desired: Mapping[str, Any], live: Mapping[str, Any] | None) -> bool:
    """Whether applying ``desired`` would change nothing in ``live``."""
    return live is not None and _map_within(_changeable(desired), live, (str(desired["kind"]),))


def differences(desired: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Where applying ``desired`` would change ``live``: the path, and what is there now (None for nothing)."""
    yield from _differences(_changeable(desired), live, (str(desired["kind"]),), ())


def quantity(text: Any) -> Decimal | None:
    """The value of a Kubernetes quantity (``500m``, ``1Gi``, ``2e3``, 2), or None where it is not one."""
    written = _QUANTITY.fullmatch(str(text))
    return Decimal(written[1]) * _SUFFIXES[written[2]] if written and written[2] in _SUFFIXES else None


def _changeable(desired: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what the API server would not let us change: of a Job its template, and how often it is tried."""
    if desired["kind"] != "Job":
        return desired
    return {**desired, "spec": {key: value for key, value in desired["spec"].items() if key == "suspend"}}


def _within(desired: Any, live: Any, path: tuple[str, ...]) -> bool:
    return desired == live or _follows_rules(desired, live, path)


def _follows_rules(desired: Any, live: Any, path: tuple[str, ...]) -> bool:
    """Of values that differ. What is equal is within by every rule, and most is, so it is not looked into."""
    if path in _ATOMIC:
        return not desired and not live
    if isinstance(desired, Mapping):
        if _QUANTITIES.intersection(path[-1:]):
            return isinstance(live, Mapping) and _same_quantities(desired, live)
        return isinstance(live, Mapping) and _map_within(desired, live, path)
    if isinstance(desired, Sequence) and not isinstance(desired, str):
        return _list_within(desired, live or [], path)
    return path[-1] in _QUANTITIES and _same_quantity(desired, live)


def _differences(desired: Any, live: Any, path: tuple[str, ...], shown: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """``path`` is for the rules, ``shown`` for people: it names the items of lists."""
    inner = path not in _ATOMIC and not _QUANTITIES.intersection(path[-1:])
    if inner and isinstance(desired, Mapping) and isinstance(live, Mapping):
        for key, value in desired.items():
            yield from _differences(value, live.get(key), (*path, key), (*shown, key))
    elif inner and isinstance(desired, list) and isinstance(live, list) and (key := _key_of(desired, path)):
        by_key = {item.get(key): item for item in live if isinstance(item, Mapping)}
        for item in desired:
            yield from _differences(item, by_key.get(item[key]), (*path, ""), (*shown, str(item[key])))
    elif not _within(desired, live, path):
        yield ".".join(shown), live


def _key_of(desired: Sequence[Any], path: tuple[str, ...]) -> str | None:
    """By which field the items of a list are told apart; None where they are not."""
    key = _LIST_KEYS.get(path[-1], "name")
    return key if all(isinstance(item, Mapping) and key in item for item in desired) else None


def _map_within(desired: Mapping[str, Any], live: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    for key, value in desired.items():
        found = live.get(key)
        if value != found and not _follows_rules(value, found, (*path, key)):
            return False
    return True


def _list_within(desired: Sequence[Any], live: Sequence[Any], path: tuple[str, ...]) -> bool:
    key = _key_of(desired, path)
    if key is None:
        return len(desired) == len(live) and all(
            _within(mine, theirs, (*path, "")) for mine, theirs in zip(desired, live, strict=True)
        )
    by_key = {item.get(key): item for item in live if isinstance(item, Mapping)}
    return all(_within(item, by_key.get(item[key]), (*path, "")) for item in desired)


def _same_quantities(desired: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    return all(_same_quantity(value, live.get(key)) for key, value in desired.items())


def _same_quantity(desired: Any, live: Any) -> bool:
    return live is not None and (
        desired == live or (quantity(desired) is not None and quantity(desired) == quantity(live))
    )
