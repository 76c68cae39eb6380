"""Inputs of a run: which of them our image reads, and what its init containers report about them.

A report is the termination message of ``input-<name>``: one line of JSON with name, uri, version and digest. It comes
from a pod that users may write to, so nothing in it is believed before it was checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollmodel.api.fields.schemes import FETCHED
from rollmodel.api.trainingjob import InputStatus, TrainingInput, TrainingJobSpec
from rollmodel.plan.pods import spec as podspec
from rollmodel.plan.training.names import aliased

__all__ = [
    "CONTAINER_PREFIX",
    "FOLDER",
    "Disagreement",
    "claim_of",
    "complete",
    "expected",
    "in_place",
    "is_read",
    "merged",
    "pinned",
    "reports",
    "unresolved_aliases",
]

CONTAINER_PREFIX = "input-"
FOLDER = "/mnt/inputs"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_VERSION = re.compile(r"[\x21-\x7e]{1,256}")
_LONGEST_REPORT = 4096


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two readings of one input that are not the same."""

    message: str


def is_read(source: TrainingInput) -> bool:
    """Whether our image reads this input; else its version or digest is handed to the code."""
    return source.uri.startswith(FETCHED)


def claim_of(source: TrainingInput) -> tuple[str, str] | None:
    """Claim and path within it of ``pvc://claim/path``; None for any other address."""
    return podspec.claim_of(source.uri)


def in_place(source: TrainingInput) -> tuple[str, str] | None:
    """Claim and path within it where the training reads the claim itself, and no copy of it."""
    return claim_of(source) if source.claim == "InPlace" else None


def unresolved_aliases(spec: TrainingJobSpec, recorded: Sequence[InputStatus]) -> tuple[str, ...]:
    """Names of the inputs whose alias has yet to be resolved."""
    known = {entry.name for entry in recorded}
    return tuple(source.name for source in spec.inputs or () if aliased(source.uri) and source.name not in known)


def pinned(source: TrainingInput, recorded: Sequence[InputStatus]) -> InputStatus:
    """The input as the next attempt has to read it: what was recorded, else what the spec says."""
    found = next((entry for entry in recorded if entry.name == source.name), None)
    return found or InputStatus(name=source.name, uri=source.uri, version=source.version, digest=source.digest)


def expected(spec: TrainingJobSpec, versions: Mapping[str, str], recorded: Sequence[InputStatus]) -> list[InputStatus]:
    """What is known before the first pod: inputs that the code reads itself, and aliases as they were resolved."""
    known = {entry.name: entry for entry in recorded}
    for source in spec.inputs or ():
        model = aliased(source.uri)
        if source.name in known:
            continue
        if model is not None and source.name in versions:
            uri, version = f"models:/{model[0]}/{versions[source.name]}", versions[source.name]
            known[source.name] = InputStatus(name=source.name, uri=uri, version=version, digest=source.digest)
        elif not is_read(source):
            known[source.name] = pinned(source, ())
    return _in_order(spec, known)


def reports(pods: Sequence[Mapping[str, Any]]) -> Iterator[InputStatus]:
    """What the init containers said about their inputs; what is not understood is left out."""
    for pod in pods:
        for container in (pod.get("status") or {}).get("initContainerStatuses") or ():
            ended = (container.get("state") or {}).get("terminated") or {}
            name = container.get("name", "")
            if name.startswith(CONTAINER_PREFIX) and ended.get("exitCode") == 0:
                report = _read(name.removeprefix(CONTAINER_PREFIX), ended.get("message"))
                if report is not None:
                    yield report


def merged(
    spec: TrainingJobSpec, recorded: Sequence[InputStatus], found: Iterator[InputStatus]
) -> list[InputStatus] | Disagreement:
    """The record with these reports. The first report stands; a later one that differs is a disagreement."""
    known = {entry.name: entry for entry in recorded}
    sources = {source.name: source for source in spec.inputs or ()}
    for report in found:
        if report.name not in sources:
            continue
        before = known.get(report.name) or pinned(sources[report.name], ())
        for part in ("version", "digest"):
            had, has = getattr(before, part), getattr(report, part)
            if had is not None and has is not None and had != has:
                return Disagreement(f"input {report.name!r}: {part} {has} was read, {had} before")
        known[report.name] = InputStatus(
            name=report.name,
            uri=before.uri,
            version=before.version or report.version,
            digest=before.digest or report.digest,
        )
    return _in_order(spec, known)


def complete(spec: TrainingJobSpec, recorded: Sequence[InputStatus]) -> bool:
    """Whether every input is recorded; with its digest, where our image reads it."""
    known = {entry.name: entry for entry in recorded}
    return all(
        source.name in known and (known[source.name].digest is not None or not is_read(source))
        for source in spec.inputs or ()
    )


def _in_order(spec: TrainingJobSpec, known: Mapping[str, InputStatus]) -> list[InputStatus]:
    return [known[source.name] for source in spec.inputs or () if source.name in known]


def _read(name: str, message: object) -> InputStatus | None:
    if not isinstance(message, str) or not message.strip() or len(message) > _LONGEST_REPORT:
        return None
    try:
        said = json.loads(message.strip().splitlines()[-1])
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("name") != name:
        return None
    version, digest = _text(_VERSION, said.get("version")), _text(_DIGEST, said.get("digest"))
    return InputStatus(name=name, uri="", version=version, digest=digest) if version or digest else None


def _text(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
