"""What the commands for people do in a cluster, with the user's own kubeconfig."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from rollmodel.adapters.kubernetes.apiserver import MERGE_PATCH, ApiServer
from rollmodel.adapters.kubernetes.kinds import Resource, resource_of
from rollmodel.adapters.kubernetes.kubeconfig import current_namespace
from rollmodel.api.base import GROUP, VERSION
from rollmodel.cli.common.advice import absent_kind, absent_object, advised
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError

__all__ = ["DRIFT_POLICY", "MODEL_DEPLOYMENT", "TRAINING_JOB", "Session", "add_arguments", "annotate", "fetch", "run"]

MODEL_DEPLOYMENT = resource_of(f"{GROUP}/{VERSION}", "ModelDeployment")
TRAINING_JOB = resource_of(f"{GROUP}/{VERSION}", "TrainingJob")
DRIFT_POLICY = resource_of(f"{GROUP}/{VERSION}", "DriftPolicy")
#: Shown by the operator as the one who asked for something, where the API server does not say who that is.
FIELD_MANAGER = "rollmodel-cli"
_WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
#: A field manager has room for 128 characters.
_LONGEST_NAME = 110

#: A connection that is left in the middle of a stream needs a moment to end TLS; see aiohttp's "graceful shutdown".
TLS_GOODBYE_SECONDS = 0.05

Answer = TypeVar("Answer")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say which cluster and namespace are meant."""
    parser.add_argument("-n", "--namespace", help="namespace (default: that of the kubeconfig's context)")
    parser.add_argument("--kubeconfig", help="path of the kubeconfig (default: $KUBECONFIG or ~/.kube/config)")


class Session:
    """A connection to the cluster, and the namespace that is meant.

    Every method raises errors of :mod:`rollmodel.errors` that say what to do.
    """

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.server, self.namespace = server, namespace

    async def get(self, resource: Resource, name: str) -> dict[str, Any]:
        """An object of ours as it is now."""
        try:
            found = await self.server.request("GET", resource.path(self.namespace, name))
        except NotFound as error:
            raise await self._explained([resource], name, error) from error
        return _complete(resource, found)

    async def find(self, resources: Sequence[Resource], name: str) -> tuple[Resource, dict[str, Any]]:
        """The object of this name among these kinds. Invalid where several kinds have one."""
        found = []
        for resource in resources:
            try:
                found.append((resource, await self.get(resource, name)))
            except NotFound as error:
                missing = error
        if not found:
            raise await self._explained(resources, name, missing)
        if len(found) > 1:
            both = " and ".join(f"a {resource.kind}" for resource, _ in found)
            raise Invalid(f"there is {both} called {name!r}: say which, e.g. `{found[0][0].plural} {name}`")
        return found[0]

    async def list(self, resource: Resource, *, everywhere: bool = False, **selectors: str) -> Sequence[dict[str, Any]]:
        """Objects of one kind, by name. ``selectors``: ``labelSelector``, ``fieldSelector``."""
        path = resource.path(None if everywhere else self.namespace)
        items: list[dict[str, Any]] = []
        try:
            async with aclosing(self.server.paged(path, selectors)) as pages:
                async for page in pages:
                    items += (_complete(resource, item) for item in page["items"] or ())
        except NotFound as error:
            raise absent_kind(resource) from error
        return sorted(items, key=lambda item: (item["metadata"].get("namespace", ""), item["metadata"]["name"]))

    async def create(self, resource: Resource, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object; Conflict where the name is taken."""
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        return await self.server.request("POST", resource.path(self.namespace), query=query, body=manifest)

    async def writer(self) -> str:
        """A field manager that names the person, as the API server knows this login: ``alice (rollmodel)``."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            answer = await self.server.request("POST", _WHO_AM_I, body=review)
        except RollmodelError:  # older clusters do not know it
            return FIELD_MANAGER
        name = "".join(letter for letter in answer["status"]["userInfo"].get("username", "") if letter.isprintable())
        return f"{name[:_LONGEST_NAME]} (rollmodel)" if name else FIELD_MANAGER

    async def _explained(self, resources: Sequence[Resource], name: str, error: NotFound) -> NotFound:
        """Why an object is not found. A user who may not look elsewhere gets the simple answer."""
        if error.reason != NotFound.default_reason:
            return error
        elsewhere: set[str] = set()
        try:
            for resource in resources:
                others = await self.list(resource, everywhere=True, fieldSelector=f"metadata.name={name}")
                elsewhere |= {other["metadata"]["namespace"] for other in others}
            await self.server.request("GET", f"/api/v1/namespaces/{self.namespace}")
        except Forbidden:
            pass
        except NotFound as missing:
            if missing.reason != NotFound.default_reason:
                return missing
            if not elsewhere:
                return absent_object(_kinds(resources), name, self.namespace, None)
        return absent_object(_kinds(resources), name, self.namespace, sorted(elsewhere))


def _kinds(resources: Sequence[Resource]) -> str:
    return " or ".join(resource.kind for resource in resources)


def _complete(resource: Resource, item: dict[str, Any]) -> dict[str, Any]:
    """The items of a list come without apiVersion and kind."""
    return {**item, "apiVersion": resource.api_version, "kind": resource.kind}


def run(namespace: str | None, kubeconfig: str | None, work: Callable[[Session], Awaitable[Answer]]) -> Answer:
    """Log in, do the work, and close. Raises errors of :mod:`rollmodel.errors` that say what to do."""

    async def connected() -> Answer:
        server = await ApiServer.connect(kubeconfig)
        try:
            return await work(Session(server, place))
        except RollmodelError as error:
            raise advised(error, server.url) from None
        finally:
            await server.close()
            await asyncio.sleep(TLS_GOODBYE_SECONDS)

    place = namespace or current_namespace(kubeconfig)
    return asyncio.run(connected())


def fetch(name: str, *, namespace: str | None, kubeconfig: str | None) -> dict[str, Any]:
    """A ModelDeployment as it is now. Raises errors of :mod:`rollmodel.errors`."""
    return run(namespace, kubeconfig, lambda session: session.get(MODEL_DEPLOYMENT, name))


def annotate(manifest: dict[str, Any], key: str, value: str, *, kubeconfig: str | None) -> dict[str, Any]:
    """Set one annotation of an object that was read before; Conflict if it has changed since."""
    metadata = manifest["metadata"]
    path = MODEL_DEPLOYMENT.path(metadata["namespace"], metadata["name"])
    change = {"metadata": {"resourceVersion": metadata["resourceVersion"], "annotations": {key: value}}}

    async def patch(session: Session) -> dict[str, Any]:
        query = {"fieldManager": await session.writer()}
        return await session.server.request("PATCH", path, query=query, body=change, content_type=MERGE_PATCH)

    return run(metadata["namespace"], kubeconfig, patch)
