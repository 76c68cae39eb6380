"""Errors of the API server for people: what it said, and what to do about it."""

from __future__ import annotations

from urllib.parse import urlsplit

from rollmodel.adapters.kubernetes.kinds import Resource
from rollmodel.errors import Forbidden, NotFound, RollmodelError, Unavailable

__all__ = ["absent_kind", "absent_object", "advised"]


def advised(error: RollmodelError, url: str) -> RollmodelError:
    """The same kind of error with a word about the way out. ``url``: of the API server."""
    match error:
        case Unavailable():
            host = urlsplit(url).netloc.rpartition("@")[2]
            return Unavailable(
                f"{error} at {host}: is the cluster up, and is this the address that the kubeconfig should name?",
                retry_after=error.retry_after,
            )
        case Forbidden() if str(error) == "Unauthorized":
            return Forbidden("the cluster does not know this login: renew it, or name another with --kubeconfig")
        case Forbidden():
            return Forbidden(f"{error}; whoever administers the cluster can grant it with a Role")
        case _:
            return error


def absent_kind(resource: Resource) -> NotFound:
    """The API server does not serve this kind."""
    return NotFound(
        f"this cluster does not know the kind {resource.kind}: is it the right cluster? If it is, install Rollmodel"
        " there (`kubectl apply --server-side -f crds/`)",
        reason="KindNotInstalled",
    )


def absent_object(kinds: str, name: str, namespace: str, elsewhere: list[str] | None) -> NotFound:
    """No such object. ``elsewhere``: namespaces that have one; None where there is not even such a namespace."""
    if elsewhere is None:
        way = f"there is no such namespace; where one is called {name!r}, `rollmodel get -A` says"
    elif elsewhere:
        way = "there is one in " + " and in ".join(f"{place} (-n {place})" for place in elsewhere[:3])
    else:
        way = f"`rollmodel get -n {namespace}` lists what is there"
    return NotFound(f"no {kinds} {name!r} in namespace {namespace!r}: {way}")
