"""Other operators of the cluster that work in the same namespaces: looked for once, when this one begins."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.errors import RollmodelError
from rollmodel.plan.operators.deployments import SELECTOR, InstalledOperator
from rollmodel.settings import Settings

__all__ = ["warn_of_others"]

_log = logging.getLogger(__name__)

_PATH = "/apis/apps/v1/deployments"


async def warn_of_others(api: ApiServer, settings: Settings, *, pod: str) -> Sequence[InstalledOperator]:
    """Log each one. Only an operator with rights in the whole cluster can see them.

    ``pod`` is our own: the name of its Deployment, a hash, and a random part.
    """
    if settings.namespaces and settings.shard is None:
        return ()
    us = InstalledOperator(settings.own_namespace or "", pod.rsplit("-", 2)[0], shard=settings.shard)
    try:
        found = await api.pages(_PATH, {"labelSelector": SELECTOR})
    except RollmodelError as error:
        _log.info("other operators were not looked for: %s", error)
        return ()
    operators = [one for one in map(InstalledOperator.of, found) if not _ours(one, us)]
    others = [one for one in operators if one.overlaps(us)]
    for one in others:
        _log.warning(
            "Deployment %s is another operator that works in namespaces of this one:"
            " give each `watch.namespaces` or `watch.shard` of its own, or uninstall one",
            one,
        )
    return others


def _ours(one: InstalledOperator, us: InstalledOperator) -> bool:
    return one.name == us.name and us.namespace in {"", one.namespace}
