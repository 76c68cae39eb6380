"""The life of one container: pull, configure, start, probe, end, start again."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from localcluster.kubeapi import UNREACHABLE, ApiError, Object, in_words, now, timestamp
from localcluster.node.containers.environment import ConfigError, Lookup
from localcluster.node.containers.health import Health
from localcluster.node.containers.images import Image, UnknownImageError, load_images, resolve
from localcluster.node.containers.launch import Launch, prepare
from localcluster.node.containers.probes import ProbeFailedError, check
from localcluster.node.containers.process import Pretence, Process, run_once, start
from localcluster.node.pods.folders import PodFolder
from localcluster.node.pods.podapi import API_RETRY_SECONDS
from localcluster.node.pods.status import ContainerRecord, restarts

__all__ = ["Backoff", "Container", "Surroundings"]

_MESSAGE_BYTES = 4096
_LOG_TAIL_BYTES = 2048
_LOG_TAIL_LINES = 80
_LEAST_GRACE_SECONDS = 2.0  # what the kubelet leaves to a container whose preStop hook used up the grace period


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the containers of one Pod share.

    ``pod`` carries ``status.podIP``; ``changed()`` asks for the status to be written; ``notice(type, reason, message)``
    posts an Event about the Pod.
    """

    pod: Object
    folder: PodFolder
    images: Path
    lookup: Lookup
    changed: Callable[[], None]
    notice: Callable[[str, str, str], Awaitable[None]]
    backoff_base: float


class Backoff:
    """Delays between starts: none, base, twice that, .. up to 30 times the base.

    Forgotten after a run of twice the longest delay, as the kubelet does (with a base of 10 s and at most 300 s).
    """

    def __init__(self, base: float) -> None:
        self._base, self._longest, self._next = base, 30 * base, 0.0

    def delay(self, ran_seconds: float = 0.0) -> float:
        """The delay before the next start, after a run of this length."""
        if ran_seconds > 2 * self._longest:
            self._next = 0.0
        delay = self._next
        self._next = min(max(2 * delay, self._base), self._longest)
        return delay


@dataclass(frozen=True, slots=True)
class _Run:
    process: Process
    launch: Launch


class Container:
    """One container of a Pod. ``run`` may be cancelled at any time: the process stays until ``stop``."""

    def __init__(self, around: Surroundings, spec: Object, record: ContainerRecord, *, policy: str) -> None:
        self.spec, self.record = spec, record
        self._around, self._policy = around, policy
        self._current: _Run | None = None
        self.started = asyncio.Event()  # set when the container has been started once, as its probes see it
        self._backoff = Backoff(around.backoff_base)

    async def run(self) -> int:
        """Run, again and again where the policy says so, until the container has ended for good: its exit code."""
        ran = 0.0
        while (code := self.record.exit_code) is None or restarts(self._policy, code):
            if code is not None:
                await self._before_restart(ran)
            began = asyncio.get_running_loop().time()
            await self._run_once()
            ran = asyncio.get_running_loop().time() - began
        return code

    async def stop(self, grace_seconds: float) -> None:
        """End for good: preStop hook, SIGTERM to the main process, SIGKILL to all when the grace period is over."""
        if self._current is None:
            return
        ended = asyncio.create_task(self._ended(self._current))
        await self._end(self._current, grace_seconds)
        await ended

    async def kill(self) -> None:
        """End the process at once and note nothing: the Pod is gone, or the node goes."""
        if self._current:
            self._current.process.kill()
            await self._current.process.wait()

    def settle(self) -> None:
        """Note that a container that waits, for its first start or the next, will not be started any more."""
        if self.record.exit_code is None and "terminated" in self.record.last_state:
            self.record.state = self.record.last_state
        elif self.record.exit_code is None:
            self.record.terminate(137, "ContainerStatusUnknown", "The container was never started", timestamp(now()))
        self._note()

    async def _run_once(self) -> None:
        image, image_id = await self._pull()
        launch = await self._configure(image)
        launch.message.write_bytes(b"")
        self.record.image_id = image_id
        self.record.container_id = f"local://{uuid.uuid4().hex}"
        try:
            self._current = _Run(await self._start(launch), launch)
        except OSError as error:
            self.record.terminate(128, "StartError", f"failed to start: {error}", timestamp(now()))
            self._note()
            return
        self.record.run(now())
        self._note()
        await self._attend(self._current)

    async def _attend(self, run: _Run) -> None:
        """Probe a run until it ends, and end it when it is unhealthy."""
        health = Health(self.record, self.spec, run.launch, changed=self._note, notice=self._around.notice)
        ended = asyncio.create_task(self._ended(run))
        unhealthy = asyncio.create_task(health.watch())
        try:
            await asyncio.wait({ended, unhealthy}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await self._around.notice("Normal", "Killing", f"Container {self.record.name} {unhealthy.result()}")
                await self._end(run, self._around.pod["spec"].get("terminationGracePeriodSeconds", 30))
            await ended
        finally:
            unhealthy.cancel()
            ended.cancel()

    def _note(self) -> None:
        if self.record.started:
            self.started.set()
        self._around.changed()

    # -- before a run ---------------------------------------------------------------------------------------------

    async def _before_restart(self, ran_seconds: float) -> None:
        delay = self._backoff.delay(ran_seconds)
        if delay:
            name = self.record.name
            await self._wait("CrashLoopBackOff", f"back-off {delay:g}s restarting failed container={name}", delay)
        self.record.restart_count += 1

    async def _pull(self) -> tuple[Image, str]:
        """The image and its id; waits as long as the table does not have it, or its files cannot be had."""
        backoff = Backoff(self._around.backoff_base)
        while True:
            try:
                return self._unpacked()
            except (UnknownImageError, OSError, ValueError) as error:
                await self._wait("ErrImagePull", str(error), backoff.delay() or self._around.backoff_base)
                message = f'Back-off pulling image "{self.spec["image"]}": {error}'
                await self._wait("ImagePullBackOff", message, backoff.delay())

    def _unpacked(self) -> tuple[Image, str]:
        image = resolve(load_images(self._around.images), self.spec["image"])
        image.unpack(self._around.folder.workdir(self.record.name))
        return image, image.id

    async def _configure(self, image: Image) -> Launch:
        """What to start; waits as long as a Secret or ConfigMap is missing."""
        around = self._around
        while True:
            try:
                return await prepare(around.pod, self.spec, image, around.folder, around.lookup)
            except ConfigError as error:
                await self._wait("CreateContainerConfigError", str(error), around.backoff_base)
            except (ApiError, *UNREACHABLE):
                await asyncio.sleep(API_RETRY_SECONDS)

    async def _wait(self, reason: str, message: str, seconds: float) -> None:
        self.record.wait(reason, message)
        self._note()
        await self._around.notice("Warning", reason, message)
        await asyncio.sleep(seconds)

    async def _start(self, launch: Launch) -> Process:
        if not launch.image.process:
            return Pretence()
        output = self._around.folder.log(self.record.name, self.record.restart_count)
        return await start(launch.argv, env=launch.env, cwd=launch.cwd, log=output)

    # -- the end of a run -----------------------------------------------------------------------------------------

    async def _end(self, run: _Run, grace_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace_seconds
        if hook := self.spec.get("lifecycle", {}).get("preStop"):
            await self._pre_stop(hook, run.launch, grace_seconds)
            deadline = max(deadline, loop.time() + _LEAST_GRACE_SECONDS)
        run.process.terminate()
        try:
            async with asyncio.timeout_at(deadline):
                await run.process.wait()
        except TimeoutError:
            run.process.kill()

    async def _pre_stop(self, hook: Object, launch: Launch, grace_seconds: float) -> None:
        """Run the hook for at most the grace period; that it failed is an Event, and no reason not to stop."""
        try:
            async with asyncio.timeout(grace_seconds):
                if "sleep" in hook:
                    await asyncio.sleep(hook["sleep"]["seconds"])
                elif "exec" in hook:
                    argv = launch.hook(hook["exec"]["command"])
                    await run_once(argv, env=launch.env, cwd=launch.cwd, seconds=grace_seconds)
                else:
                    await check(hook, launch.target(self.spec))
        except (ProbeFailedError, *UNREACHABLE) as error:
            await self._around.notice("Warning", "FailedPreStopHook", f"PreStopHook failed: {in_words(error)}")

    async def _ended(self, run: _Run) -> None:
        """Wait for the end of a run and note it."""
        code = await run.process.wait()
        self._current = None
        started = self.record.state["running"]["startedAt"]
        reason = "Error" if code else "Completed"
        self.record.terminate(code, reason, self._last_words(run.launch, code), started, timestamp(now()))
        self._note()

    def _last_words(self, launch: Launch, code: int) -> str:
        message = b""
        with suppress(OSError), launch.message.open("rb") as file:
            message = file.read(_MESSAGE_BYTES)
        if not message and code and self.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            tail = self._around.folder.log(self.record.name, self.record.restart_count).read_bytes()[-_LOG_TAIL_BYTES:]
            message = b"".join(tail.splitlines(keepends=True)[-_LOG_TAIL_LINES:])
        return message.decode(errors="replace")
