"""Why pods are not ready, in words for people. Restarts are evidence too: a revision that keeps crashing has failed.

Only the container with the model speaks about the model, and the fetch container where its files are other ones.
A sidecar that restarts, a quota, a missing node or image say nothing about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rollmodel.plan import naming
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.objects.pod.fetching import FETCH_CONTAINER
from rollmodel.plan.deployment.status.restarts import last_end, model_containers, pods_of, restarts_since
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.pods.diagnostics import Diagnosis, diagnose_mounting, diagnose_scheduling, diagnose_waiting
from rollmodel.plan.pods.refusals import with_remedy
from rollmodel.text import redact

__all__ = ["RESTART_BUDGET", "Diagnosis", "diagnose"]

#: Restarts of one container after which a revision counts as crash-looping.
RESTART_BUDGET = 3

_OF_MODEL = {"DigestMismatch"}
_NEVER_HEALS = {*_OF_MODEL, "Unsupported", "UnsafePath", "NoImageVolume"}
_REASONED = re.compile(r"([A-Z][A-Za-z]+): (.+)")


def diagnose(context: Context, revision: str) -> Diagnosis | None:
    """The worst that is known about the pods of a revision, or None where they are only starting."""
    found = [diagnosis for pod in pods_of(context, revision) for diagnosis in _of_pod(context, pod)]
    found += _of_deployment(context.live.deployments.get(revision, {}))
    found += _of_picker(context, revision)
    return min(found, key=lambda diagnosis: not diagnosis.fatal, default=None)


def _of_pod(context: Context, pod: Manifest) -> Iterator[Diagnosis]:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    for container in status.get("initContainerStatuses") or ():
        yield from _of_fetching(name, container)
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        yield from diagnose_waiting(name, container, "runtime")
    told = context.observed.defaults.container_messages
    for container in model_containers(pod):
        yield from _of_crashing(name, container, restarts_since(context, pod, container), told=told)
    yield from diagnose_scheduling(pod)
    yield from diagnose_mounting(pod, context.now)


def _of_fetching(pod: str, container: Manifest) -> Iterator[Diagnosis]:
    """The init container names its reason in the termination message, e.g. ``DigestMismatch: ...``."""
    ended = last_end(container)
    if container["name"] == FETCH_CONTAINER and ended is not None and ended.get("exitCode"):
        reason, message = _split(ended.get("message"), "FetchFailed")
        message = message or f"exit code {ended['exitCode']}"
        text = f"pod {pod}: the model could not be fetched: {message}"
        yield Diagnosis(reason, text, reason in _NEVER_HEALS, of_model=reason in _OF_MODEL)


def _of_crashing(pod: str, container: Manifest, restarts: int, *, told: bool) -> Iterator[Diagnosis]:
    """``told``: with the last line that the container wrote, which more people may read here than there."""
    ended = last_end(container)
    if restarts and ended is not None:
        last = redact(_last_line(ended.get("message"))) if told else ""
        why = ", ".join(str(part) for part in (ended.get("reason"), last) if part)
        # No count beyond the budget: a condition should not change with every further crash.
        does = f"keeps crashing ({RESTART_BUDGET} restarts or more)" if restarts >= RESTART_BUDGET else "crashed"
        message = f"pod {pod} {does}: exit code {ended.get('exitCode')}" + (f" ({why})" if why else "")
        yield Diagnosis("CrashLoop", message, restarts >= RESTART_BUDGET, of_model=True)


def _of_deployment(deployment: Manifest) -> Iterator[Diagnosis]:
    for condition in (deployment.get("status") or {}).get("conditions") or ():
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            message = with_remedy(condition.get("message", "pods cannot be created"), "runtime")
            yield Diagnosis(condition.get("reason", "FailedCreate"), message)


def _of_picker(context: Context, revision: str) -> Iterator[Diagnosis]:
    """Pods that are ready get no requests while nobody can choose among them."""
    if revision in context.live.without_picker:
        name = naming.picker(context.observed.name, revision)
        found = list(_of_deployment(context.live.pickers.get(revision, {})))
        why = f": {found[0].message}" if found else ""
        yield Diagnosis("PickerNotReady", f"no traffic before endpoint picker {name} is ready{why}")


def _last_line(message: str | None) -> str:
    lines = (message or "").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _split(message: str | None, default: str) -> tuple[str, str]:
    line = _last_line(message)
    match = _REASONED.fullmatch(line)
    return (match[1], match[2]) if match else (default, line)
