"""``rollmodel promote``, ``abort``, ``pause``, ``resume``, ``retry`` and ``undo``: ask for something by annotation.

The operator consumes the annotation once and answers in ``status.lastCommand``; see
:mod:`rollmodel.plan.deployment.strategies.commands` for what each verb does. What can be seen to be wrong before that
is refused here, and what gives traffic to somebody is said, and asked for, first.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentStatus, RejectedRevision
from rollmodel.cli import VERBS
from rollmodel.cli.common import cluster
from rollmodel.cli.common.printing.rows import status_of
from rollmodel.errors import Invalid, RollmodelError
from rollmodel.plan.deployment.strategies.commands import ANNOTATION, previous_revision

__all__ = ["abort", "ask", "pause", "promote", "resume", "retry", "undo"]

#: Verbs that move all traffic: on a terminal they are asked for once more.
_ASKED = {"promote": "Give it all traffic?", "undo": "Give it all traffic again?"}


@dataclass(frozen=True, slots=True)
class _Target:
    """The revision that a command is about: it is named, so that a late command hits nothing else."""

    revision: str
    version: str | None
    about: str
    """What one should know before it is asked for."""

    @property
    def label(self) -> str:
        return f"v{self.version}" if self.version else f"revision {self.revision}"


def ask(verb: str, argv: Sequence[str]) -> int:
    """Write the annotation; 1 where that is not possible, or there is nothing to ask for, or the answer is no."""
    arguments = _parser(verb).parse_args(argv)
    try:
        manifest = cluster.fetch(arguments.name, namespace=arguments.namespace, kubeconfig=arguments.kubeconfig)
        target = _target(verb, status_of(ModelDeploymentStatus, manifest), force=getattr(arguments, "force", False))
        _same_version(verb, target, arguments.version)
        if verb in _ASKED and not arguments.yes and not _agreed(f"{target.about}. {_ASKED[verb]}"):
            print(f"rollmodel {verb}: nothing was asked for", file=sys.stderr)
            return 1
        command = f"{verb} {target.revision} {secrets.token_hex(4)}"
        cluster.annotate(manifest, ANNOTATION, command, kubeconfig=arguments.kubeconfig)
    except RollmodelError as error:
        print(f"rollmodel {verb}: {error}", file=sys.stderr)
        return 1
    print(f"asked to {verb} {target.label}: {target.about}")
    print(f"`rollmodel watch {arguments.name}` shows what becomes of it")
    return 0


promote = partial(ask, "promote")
abort = partial(ask, "abort")
pause = partial(ask, "pause")
resume = partial(ask, "resume")
retry = partial(ask, "retry")
undo = partial(ask, "undo")


def _parser(verb: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"rollmodel {verb}", description=f"{VERBS[verb].capitalize()}.")
    parser.add_argument("name", help="name of the ModelDeployment")
    cluster.add_arguments(parser)
    parser.add_argument("--version", metavar="VERSION", help="only if it is about this version of the model")
    if verb in _ASKED:
        parser.add_argument("-y", "--yes", action="store_true", help="do not ask on a terminal")
    if verb == "promote":
        parser.add_argument("--force", action="store_true", help="also without a ready pod")
    return parser


def _agreed(question: str) -> bool:
    """Scripts are not asked: they can name the version."""
    return not sys.stdin.isatty() or input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def _same_version(verb: str, target: _Target, version: str | None) -> None:
    """Raises Invalid where another version is meant."""
    if version is not None and target.version != version.removeprefix("v"):
        raise Invalid(f"nothing to {verb}: it is {target.label} now, not v{version.removeprefix('v')}")


def _target(verb: str, status: ModelDeploymentStatus, *, force: bool) -> _Target:
    """What the verb is about. Raises Invalid where it could not have an effect."""
    if verb == "retry":
        return _rejected(status.rejected)
    if verb == "undo":
        return _undone(status)
    candidate = status.candidate
    if verb == "promote" and candidate is None and status.stable is None and status.rejected is not None:
        return _rejected(status.rejected)
    if candidate is None:
        hint = "; `rollmodel undo` goes back to the revision before" if verb == "abort" and _before(status) else ""
        raise Invalid(f"nothing to {verb}: no revision is being tried{hint}")
    target = _Target(candidate.revision, candidate.model_version, _judged(candidate, status))
    if verb == "pause" and status.paused:
        raise Invalid(f"{target.label} is paused already: {status.paused}")
    if verb == "resume" and not status.paused:
        raise Invalid(f"{target.label} is not paused")
    if verb == "promote" and not candidate.ready_replicas and not force:
        raise Invalid(f"{target.about}, and not one of its pods is ready; --force asks for it all the same")
    return target


def _rejected(lost: RejectedRevision | None) -> _Target:
    if lost is None:
        raise Invalid("nothing to retry: no revision was taken back")
    return _Target(lost.revision, lost.model_version, f"it was taken back: {lost.reason}: {lost.message}")


def _undone(status: ModelDeploymentStatus) -> _Target:
    stable = status.stable
    if status.candidate is not None:
        raise Invalid(f"{_name(status.candidate)} is being tried: `abort` takes it back, then undo what serves")
    before = _before(status)
    if stable is None or before is None:
        raise Invalid("nothing to undo: no revision was promoted that took another's place")
    return _Target(stable.revision, stable.model_version, f"{_name(stable)} goes, and {before} comes back unjudged")


def _before(status: ModelDeploymentStatus) -> str | None:
    """What the stable revision has replaced, as people call it."""
    stable = status.stable
    identity = previous_revision(status.history, stable.revision) if stable is not None else None
    if identity is None:
        return None
    versions = (entry.from_version for entry in reversed(status.history) if entry.from_revision == identity)
    version = next(versions, None)
    name = f"v{version} (revision {identity})" if version else f"revision {identity}"
    return f"{name}{_taken_back(status, identity)}"


def _taken_back(status: ModelDeploymentStatus, revision: str) -> str:
    """That evidence, or its pods, spoke against it here before; a person who lets it on should know."""
    found = (one for one in reversed(status.history) if one.to_revision == revision and one.verdict == "RolledBack")
    entry = next(found, None)
    return f", which was taken back on {entry.time} ({entry.reason})," if entry is not None else ""


def _name(arm: ArmStatus) -> str:
    return f"v{arm.model_version} (revision {arm.revision})" if arm.model_version else f"revision {arm.revision}"


def _judged(candidate: ArmStatus, status: ModelDeploymentStatus) -> str:
    """The candidate with the evidence about it, in one line."""
    before = _taken_back(status, candidate.revision)
    judged = f"at {candidate.weight} %, {candidate.requests:,} requests judged at this step"
    text = f"{_name(candidate)}{before} {judged}"
    lines = [
        f"{line.metric} {line.verdict}" + (f" ({line.samples})" if line.samples else "") for line in status.evidence
    ]
    return "; ".join([text, *lines])
