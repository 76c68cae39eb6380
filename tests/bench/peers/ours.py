"""Rollmodel: ModelDeployments with one pod each, which follow a few models in MLflow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from tests.bench.peers.tool import Tool
from tests.bench.scale.measurements.rest import MODELS
from tests.bench.scale.rig.objects import OURS, manifests, models
from tests.bench.scale.rig.process import operator
from tests.bench.scale.rig.profiling import Profile, profiled
from tests.bench.scale.rig.stack import OPERATOR, Stack
from tests.bench.scale.rig.usage import Usage
from tests.support.live.light_models import LightModel

__all__ = ["registered", "rollmodel"]


async def registered(where: Stack) -> list[LightModel]:
    """Models that objects follow."""
    return await models(where.cluster.mlflow_url, MODELS)


def rollmodel(where: Stack, follow: list[LightModel], profile: Profile) -> Tool:
    """Ours, with objects that follow these models."""

    def objects(prefix: str, count: int) -> list[dict[str, object]]:
        return manifests(prefix, count, follow)

    return Tool(
        "Rollmodel",
        OPERATOR,
        OURS,
        objects,
        partial(_running, where, profile),
        partial(profiled, profile=profile),
    )


@asynccontextmanager
async def _running(where: Stack, profile: Profile) -> AsyncIterator[Usage]:
    with operator(where, profile) as process:
        await process.start()
        yield process.usage
