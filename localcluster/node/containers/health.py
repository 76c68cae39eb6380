"""A running container's probes, and what follows from them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from localcluster.kubeapi import Object
from localcluster.node.containers.launch import Launch
from localcluster.node.containers.probes import verdicts
from localcluster.node.pods.status import ContainerRecord

__all__ = ["Health"]


class Health:
    """Keeps ``started`` and ``ready`` of a record while its container runs."""

    def __init__(
        self,
        record: ContainerRecord,
        spec: Object,
        launch: Launch,
        *,
        changed: Callable[[], None],
        notice: Callable[[str, str, str], Awaitable[None]],
    ) -> None:
        self._record, self._changed, self._notice = record, changed, notice
        self._target = launch.target(spec)
        # A container without a process has nothing to probe.
        self._probes = {
            kind: _mapped(spec[f"{kind}Probe"], launch)
            for kind in ("startup", "readiness", "liveness")
            if launch.image.process and f"{kind}Probe" in spec
        }

    async def watch(self) -> str:
        """Probe until the container has to be killed: why."""
        if "startup" in self._probes:
            success, message = await anext(verdicts(self._probes["startup"], self._target))
            if not success:
                return await self._unhealthy("startup", message)
        self._record.started = True
        self._record.ready = "readiness" not in self._probes
        self._changed()
        readiness = asyncio.create_task(self._follow_readiness())
        try:
            return await self._until_not_live()
        finally:
            readiness.cancel()

    async def _follow_readiness(self) -> None:
        if "readiness" not in self._probes:
            return
        async for success, message in verdicts(self._probes["readiness"], self._target):
            if success != self._record.ready:
                self._record.ready = success
                self._changed()
            if not success:
                await self._unhealthy("readiness", message)

    async def _until_not_live(self) -> str:
        forever: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if "liveness" in self._probes:
            async for success, message in verdicts(self._probes["liveness"], self._target):
                if not success:
                    return await self._unhealthy("liveness", message)
        return await forever

    async def _unhealthy(self, kind: str, message: str) -> str:
        await self._notice("Warning", "Unhealthy", f"{kind.capitalize()} probe failed: {message}")
        return f"failed {kind} probe, will be restarted"


def _mapped(probe: Object, launch: Launch) -> Object:
    if "exec" not in probe:
        return probe
    return probe | {"exec": {"command": launch.hook(probe["exec"]["command"])}}
