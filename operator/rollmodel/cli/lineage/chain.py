"""The chain of a model version, from what the objects of a namespace say: each link with its time, cause and author.

Alarm -> training -> data -> run -> gates -> version -> decisions. What an object does not say is not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.api.driftpolicy import DriftPolicyStatus
from rollmodel.api.modeldeployment import HistoryEntry, ModelDeploymentStatus
from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.cli.common.printing.rows import status_of

__all__ = ["Chain", "Link", "Objects", "chains", "matching"]

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """One step. ``what`` is a word of a fixed list, ``name`` the object or thing, ``by`` who or what caused it."""

    what: str
    name: str
    time: str = ""
    outcome: str = ""
    why: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """All links of one version of a model. ``revisions`` and ``run`` are what it is also known by."""

    model: str
    version: str
    links: tuple[Link, ...]
    revisions: frozenset[str] = frozenset()
    run: str | None = None
    deployments: frozenset[str] = frozenset()
    now: str = ""
    """Where it serves, or what became of it."""

    def has(self, what: str) -> bool:
        """Whether there is such a link."""
        return any(link.what == what for link in self.links)


@dataclass(frozen=True, slots=True)
class Objects:
    """Those of one namespace, as the API server gives them."""

    deployments: Sequence[Manifest] = ()
    trainings: Sequence[Manifest] = ()
    policies: Sequence[Manifest] = ()


def chains(objects: Objects) -> list[Chain]:
    """One for each version that a ModelDeployment or a TrainingJob speaks of, the newest first. Raises Invalid."""
    found: dict[tuple[str, str], _Building] = {}
    for training in objects.trainings:
        status, register = status_of(TrainingJobStatus, training), (training["spec"].get("register") or {})
        if status.model_version is not None or status.run_id is not None:
            name = training["metadata"]["name"]
            key = (register.get("model", ""), status.model_version or f"none, of run {name}")
            found.setdefault(key, _Building()).trainings.append((training, status))
    for deployment in objects.deployments:
        status_ = status_of(ModelDeploymentStatus, deployment)
        model = _model(deployment)
        for version in _versions(status_):
            found.setdefault((model, version), _Building()).deployments.append((deployment, status_))
    made = [_chain(model, version, building, objects.policies) for (model, version), building in found.items()]
    return sorted(made, key=lambda one: (one.model, _order(one.version)), reverse=True)


def matching(found: Sequence[Chain], word: str) -> list[Chain]:
    """Those that a person means: a model, ``MODEL/VERSION``, a ModelDeployment, a TrainingJob, a revision or a run."""
    return [one for one in found if _is_meant(one, word)]


def _is_meant(chain: Chain, word: str) -> bool:
    names = {chain.model, f"{chain.model}/{chain.version}", *chain.deployments, *chain.revisions}
    names |= {f"{name}/{chain.version}" for name in chain.deployments}
    names |= {link.name for link in chain.links if link.what == "training"}
    return word in names or (chain.run is not None and word == chain.run)


class _Building:
    def __init__(self) -> None:
        self.trainings: list[tuple[Manifest, TrainingJobStatus]] = []
        self.deployments: list[tuple[Manifest, ModelDeploymentStatus]] = []


def _chain(model: str, version: str, building: _Building, policies: Sequence[Manifest]) -> Chain:
    links: list[Link] = []
    for training, status in building.trainings:
        links += _of_alarm(training, policies)
        links += _of_training(training, status)
    revisions: set[str] = set()
    now: list[str] = []
    for deployment, status_ in building.deployments:
        name = deployment["metadata"]["name"]
        entries = [entry for entry in status_.history if entry.to_version == version]
        links += [_of_decision(name, entry) for entry in entries]
        revisions |= {entry.to_revision for entry in entries}
        revisions |= {
            arm.revision for arm in (status_.stable, status_.candidate) if arm and arm.model_version == version
        }
        now += _now(name, version, status_)
    return Chain(
        model=model,
        version=version,
        links=tuple(links),
        revisions=frozenset(revisions),
        run=next((status.run_id for _, status in building.trainings if status.run_id), None),
        deployments=frozenset(deployment["metadata"]["name"] for deployment, _ in building.deployments),
        now="; ".join(now),
    )


def _of_alarm(training: Manifest, policies: Sequence[Manifest]) -> Iterator[Link]:
    """The alarm that asked for this training, as its annotations and its owner say."""
    notes = training["metadata"].get("annotations") or {}
    episode = notes.get(f"{GROUP}/drift-episode")
    owners = training["metadata"].get("ownerReferences") or ()
    policy = next((one["name"] for one in owners if one["kind"] == "DriftPolicy"), None)
    if episode is None or policy is None:
        return
    entry = None
    for manifest in policies:
        if manifest["metadata"]["name"] == policy:
            retrains = status_of(DriftPolicyStatus, manifest).retrains
            entry = next((one for one in retrains if one.training_job == training["metadata"]["name"]), None)
    yield Link(
        "alarm",
        f"{policy}, episode {episode}",
        time=entry.time if entry is not None else notes.get(f"{GROUP}/data-until", ""),
        outcome=entry.outcome if entry is not None else "",
        why=f"{notes.get(f'{GROUP}/drift-trigger', '')} of revision {notes.get(f'{GROUP}/drift-revision', '')}",
        by=(entry.message or "") if entry is not None else "",
    )


def _of_training(training: Manifest, status: TrainingJobStatus) -> Iterator[Link]:
    meta = training["metadata"]
    yield Link(
        "training",
        meta["name"],
        time=status.start_time or meta.get("creationTimestamp", ""),
        outcome="Succeeded" if status.model_version is not None else "",
        why=f"image {training['spec'].get('template', {}).get('image', '')}",
        by=_author(meta),
    )
    window = training["spec"].get("dataWindow")
    if window is not None:
        yield Link("data", "window", outcome=f"{window.get('since', 'the beginning')} to {window.get('until', '')}")
    for entry in status.inputs:
        yield Link("data", entry.name, outcome=entry.digest or entry.version or "not pinned", why=entry.uri)
    facts = status.reproducibility
    if status.run_id is not None:
        known = facts and (("code", facts.git_commit), ("image", facts.image_digest), ("seed", facts.seed))
        why = ", ".join(f"{word} {value}" for word, value in known or () if value is not None)
        yield Link("run", status.run_id, time=status.completion_time or "", outcome=status.run_status or "", why=why)
    for gate in status.gates:
        words = (
            f"asked {gate.asked}" if gate.asked else "",
            f"seen {gate.seen}" if gate.seen else "",
            gate.message or "",
        )
        yield Link("gate", f"{gate.name} {gate.check}", outcome=gate.verdict, why=", ".join(filter(None, words)))
    if status.model_version is not None:
        alias = (training["spec"].get("register") or {}).get("alias", "challenger")
        yield Link("version", status.model_version, time=status.completion_time or "", why=f"alias {alias}")


def _author(meta: Manifest) -> str:
    """Who created it: the owner, or else the first field manager."""
    owners = meta.get("ownerReferences") or ()
    if owners:
        return f"{owners[0]['kind']} {owners[0]['name']}"
    managers = [entry for entry in meta.get("managedFields") or () if not entry.get("subresource")]
    return str(min(managers, key=lambda one: one.get("time", ""))["manager"]) if managers else ""


def _of_decision(deployment: str, entry: HistoryEntry) -> Link:
    why = entry.reason if not entry.evidence else f"{entry.reason} ({entry.evidence})"
    before = f", instead of version {entry.from_version}" if entry.from_version else ""
    return Link(
        "decision",
        f"{deployment}{before}",
        time=entry.time,
        outcome=entry.verdict,
        why=why,
        by=entry.by or "the operator",
    )


def _now(name: str, version: str, status: ModelDeploymentStatus) -> Iterator[str]:
    for role, arm in (("stable", status.stable), ("candidate", status.candidate)):
        if arm is not None and arm.model_version == version:
            yield f"{role} of {name}, {arm.weight} %"
    if status.rejected is not None and status.rejected.model_version == version:
        yield f"rejected by {name}: {status.rejected.reason}"


def _versions(status: ModelDeploymentStatus) -> list[str]:
    arms = [arm.model_version for arm in (status.stable, status.candidate) if arm is not None]
    told = [entry.to_version for entry in status.history]
    return list(dict.fromkeys(version for version in [*told, *arms] if version))


def _model(deployment: Manifest) -> str:
    registry = (deployment["spec"].get("model") or {}).get("registry") or {}
    return str(registry.get("name") or deployment["metadata"]["name"])


def _order(version: str) -> tuple[int, str]:
    return (int(version), "") if version.isdigit() else (-1, version)
