"""What is installed in the cluster: the CRDs of this version, and what the user may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rollmodel import __version__
from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.crd.definition import custom_resource_definition
from rollmodel.api.crd.kinds import KINDS, Kind
from rollmodel.cli.doctor.check import Check, bad, fine, unknown, warn
from rollmodel.errors import NotFound, RollmodelError

__all__ = ["Ask", "compared", "definitions", "now", "rights"]

#: Ask the API server: method, path, body. Raises errors of :mod:`rollmodel.errors`.
Ask = Callable[..., Awaitable[dict[str, Any]]]

_CRDS = "kubectl apply --server-side -f crds/ (or upgrade the chart) of the version that you want"


async def definitions(ask: Ask) -> list[Check]:
    """Whether the API server knows the kinds as this version does."""
    return [await _definition(ask, kind) for kind in KINDS]


async def _definition(ask: Ask, kind: Kind) -> Check:
    name = f"{kind.plural}.{GROUP}"
    subject = f"CRD {name}"
    try:
        found = await ask("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
    except NotFound:
        return bad(subject, "is not there", _CRDS)
    except RollmodelError as error:
        return await _served(ask, kind, unknown(subject, error))
    return compared(subject, found, custom_resource_definition(kind))


async def _served(ask: Ask, kind: Kind, otherwise: Check) -> Check:
    """Everybody may ask what is served; its fields cannot be seen."""
    try:
        served = await ask("GET", f"/apis/{GROUP}/{VERSION}")
    except NotFound:
        return bad(otherwise.subject, "is not there", _CRDS)
    except RollmodelError:
        return otherwise
    names = {one.get("name") for one in served.get("resources") or ()}
    if kind.plural in names:
        return fine(otherwise.subject, "is served; its fields cannot be seen with this login")
    return bad(otherwise.subject, "is not there", _CRDS)


def compared(subject: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Check:
    """Fields that one of two definitions has and the other has not."""
    there, ours = set(_fields(found)), set(_fields(wanted))
    missing, more = sorted(ours - there), sorted(there - ours)
    if missing:
        shown = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
        return bad(subject, f"is older than this command ({__version__}): {shown} unknown there", _CRDS)
    if more:
        message = f"is newer than this command ({__version__}): it has {more[0]}"
        return warn(subject, message, "use the command of the operator's version")
    return fine(subject, f"has the fields of {__version__}")


def _fields(definition: Mapping[str, Any]) -> Iterator[str]:
    for version in (definition.get("spec") or {}).get("versions") or ():
        if version.get("name") == VERSION:
            yield from _below((version.get("schema") or {}).get("openAPIV3Schema") or {}, "")


def _below(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, child in (schema.get("properties") or {}).items():
        yield f"{path}{name}"
        yield from _below(child, f"{path}{name}.")
    if isinstance(schema.get("items"), dict):
        yield from _below(schema["items"], path)


#: What commands need: verb, resource, and what cannot be done without it.
_RIGHTS = (
    ("list", "modeldeployments", "get, describe, watch, wait, explain"),
    ("list", "trainingjobs", "get, describe, watch"),
    ("list", "driftpolicies", "get"),
    ("patch", "modeldeployments", "promote, abort, pause, resume, retry, undo"),
    ("create", "trainingjobs", "verify-training"),
)


async def rights(ask: Ask, namespace: str) -> list[Check]:
    """What the login may do in the namespace."""
    refused: list[str] = []
    for verb, resource, commands in _RIGHTS:
        attributes = {"namespace": namespace, "verb": verb, "group": GROUP, "resource": resource}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        try:
            answer = await ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=body)
        except RollmodelError as error:
            return [unknown(f"rights in {namespace}", error)]
        if not (answer.get("status") or {}).get("allowed"):
            refused.append(f"{verb} {resource} ({commands})")
    if not refused:
        return [fine(f"rights in {namespace}", "all that the commands need")]
    advice = f"kubectl -n {namespace} create rolebinding NAME --clusterrole=rollmodel-edit --user=YOU"
    return [warn(f"rights in {namespace}", f"not allowed: {'; '.join(refused)}", advice)]


def now() -> datetime:
    """The time by the clock of this machine; tests replace it."""
    return datetime.now(UTC)
