"""Pod status as the kubelet writes it, from what is known of each container. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localcluster.kubeapi import Object, timestamp
from localcluster.network import LOOPBACK

__all__ = ["ContainerRecord", "is_sidecar", "phase", "pod_status", "restarts"]


@dataclass
class ContainerRecord:
    """What is known of one container. ``state`` and ``last_state`` have the shape of the API's ContainerState."""

    name: str
    image: str
    state: dict[str, Any] = field(default_factory=dict)
    last_state: dict[str, Any] = field(default_factory=dict)
    restart_count: int = 0
    started: bool = False
    ready: bool = False
    container_id: str = ""
    image_id: str = ""

    @classmethod
    def found(cls, written: Mapping[str, Any], time: datetime) -> ContainerRecord:
        """The record that an earlier life of this node wrote; what it left running has ended, by ``time``."""
        record = cls(
            name=written["name"],
            image=written["image"],
            state=dict(written.get("state", {})),
            last_state=dict(written.get("lastState", {})),
            restart_count=written.get("restartCount", 0),
            container_id=written.get("containerID", ""),
            image_id=written.get("imageID", ""),
        )
        if "running" in record.state:
            began = record.state["running"]["startedAt"]
            record.terminate(137, "ContainerStatusUnknown", "The node restarted", began, timestamp(time))
        return record

    def wait(self, reason: str, message: str = "") -> None:
        """Note that the container waits; how its last run ended moves to ``last_state``."""
        if "terminated" in self.state:
            self.last_state = self.state
        self.state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        self.started = self.ready = False

    def run(self, started: datetime) -> None:
        """Note that the container runs."""
        if "terminated" in self.state:
            self.last_state = self.state
        self.state = {"running": {"startedAt": timestamp(started)}}

    def terminate(self, code: int, reason: str, message: str, started_at: str, finished_at: str = "") -> None:
        """Note that the container has ended."""
        self.started = self.ready = False
        self.state = {
            "terminated": {
                "exitCode": code,
                "reason": reason,
                **({"message": message} if message else {}),
                "startedAt": started_at,
                "finishedAt": finished_at or started_at,
                "containerID": self.container_id,
            }
        }

    @property
    def exit_code(self) -> int | None:
        """The exit code of a container that has ended."""
        code: int | None = self.state.get("terminated", {}).get("exitCode")
        return code

    def status(self) -> Object:
        """The API's ContainerStatus."""
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            **({"containerID": self.container_id} if self.container_id else {}),
            "state": dict(self.state),
            "lastState": dict(self.last_state),
            "restartCount": self.restart_count,
            "ready": self.ready,
            "started": self.started,
        }


def is_sidecar(container: Object) -> bool:
    """Whether an init container is a sidecar (KEP-753): started in order, then left running."""
    return bool(container.get("restartPolicy") == "Always")


def restarts(policy: str, exit_code: int) -> bool:
    """Whether a restart policy starts a container again after this exit code."""
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def phase(pod: Object, inits: Sequence[ContainerRecord], mains: Sequence[ContainerRecord]) -> str:
    """The Pod's phase, by the rules of the kubelet's ``getPhase``."""
    policy = pod["spec"].get("restartPolicy", "Always")
    if not _initialized(pod, inits):
        failed = any(record.exit_code for record, spec in _init_pairs(pod, inits) if not is_sidecar(spec))
        return "Failed" if failed and policy == "Never" else "Pending"
    if any("waiting" in record.state and not record.last_state for record in mains):
        return "Pending"
    codes = [record.exit_code for record in mains]
    if any(code is None or restarts(policy, code) for code in codes):
        return "Running"
    return "Succeeded" if all(code == 0 for code in codes) else "Failed"


def pod_status(
    pod: Object,
    *,
    address: str,
    inits: Sequence[ContainerRecord],
    mains: Sequence[ContainerRecord],
    time: datetime,
    over: bool = False,
) -> Object:
    """The Pod's status. ``pod`` carries the conditions of before, whose transition times are kept.

    ``over`` says that no container will be started again, whatever the restart policy.
    """
    before = pod.get("status", {})
    current = _final_phase(mains) if over else phase(pod, inits, mains)
    status: Object = {
        "phase": current,
        "conditions": _conditions(pod, current, inits, mains, timestamp(time)),
        "hostIP": LOOPBACK,
        "hostIPs": [{"ip": LOOPBACK}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": before.get("startTime") or timestamp(time),
        "containerStatuses": [record.status() for record in mains],
        "observedGeneration": pod["metadata"].get("generation", 1),
    }
    if inits:
        status["initContainerStatuses"] = [
            record.status() | {"ready": _init_ready(record, spec)} for record, spec in _init_pairs(pod, inits)
        ]
    return status


def _final_phase(mains: Sequence[ContainerRecord]) -> str:
    return "Succeeded" if all(record.exit_code == 0 for record in mains) else "Failed"


def _init_pairs(pod: Object, inits: Sequence[ContainerRecord]) -> list[tuple[ContainerRecord, Object]]:
    return list(zip(inits, pod["spec"].get("initContainers", ()), strict=True))


def _init_ready(record: ContainerRecord, spec: Object) -> bool:
    return record.ready if is_sidecar(spec) else record.exit_code == 0


def _initialized(pod: Object, inits: Sequence[ContainerRecord]) -> bool:
    return all(
        (record.started if is_sidecar(spec) else record.exit_code == 0) for record, spec in _init_pairs(pod, inits)
    )


def _conditions(
    pod: Object, current: str, inits: Sequence[ContainerRecord], mains: Sequence[ContainerRecord], time: str
) -> list[Object]:
    unready = [record.name for record in mains if not record.ready]
    over = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(current)
    initialized = _initialized(pod, inits) or current == "Succeeded"
    not_ready = {"reason": over} if over else _complaint("ContainersNotReady", "unready", unready)
    incomplete = [record.name for record, spec in _init_pairs(pod, inits) if not _init_ready(record, spec)]
    ready = not unready and not over and initialized
    wanted: list[tuple[str, bool, Object]] = [
        ("PodReadyToStartContainers", not over, {}),
        ("Initialized", initialized, _complaint("ContainersNotInitialized", "incomplete", incomplete)),
        ("Ready", ready, not_ready),
        ("ContainersReady", ready, not_ready),
        ("PodScheduled", True, {}),
    ]
    before = {item["type"]: item for item in pod.get("status", {}).get("conditions", ())}
    generation = pod["metadata"].get("generation", 1)
    conditions = []
    for kind, holds, detail in wanted:
        truth = "True" if holds else "False"
        old = before.get(kind, {})
        since = old.get("lastTransitionTime", time) if old.get("status") == truth else time
        condition = {"type": kind, "status": truth, "lastProbeTime": None, "lastTransitionTime": since}
        conditions.append(condition | ({} if holds else detail) | {"observedGeneration": generation})
    return conditions


def _complaint(reason: str, adjective: str, names: Sequence[str]) -> Object:
    return {"reason": reason, "message": f"containers with {adjective} status: [{' '.join(names)}]"}
