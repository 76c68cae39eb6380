from datetime import UTC, datetime
from typing import Any

import pytest

from localcluster.node.pods.status import ContainerRecord, pod_status

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOW_TEXT = "2026-01-02T03:04:05Z"
EARLIER = "2026-01-01T00:00:00Z"


def waiting(name: str = "c", reason: str = "ContainerCreating", last: Any = None) -> Any:
    record = ContainerRecord(name, "image")
    if last is not None:
        record.terminate(last, "Error", "", EARLIER)
    record.wait(reason)
    return record


def running(name: str = "c", *, started: bool = True, ready: bool = True) -> Any:
    record = ContainerRecord(name, "image", started=started, ready=ready)
    record.run(NOW)
    return record


def ended(code: Any, name: str = "c") -> Any:
    record = ContainerRecord(name, "image")
    record.terminate(code, "Error" if code else "Completed", "", EARLIER)
    return record


def pod(policy: str = "Always", inits: Any = (), **status: Any) -> Any:
    return {
        "metadata": {"generation": 3},
        "spec": {"restartPolicy": policy, "initContainers": [{"name": n, **more} for n, more in inits]},
        "status": status,
    }


def status_of(pod: Any, mains: Any, inits: Any = (), *, over: bool = False) -> Any:
    return pod_status(pod, address="10.244.0.1", inits=list(inits), mains=mains, time=NOW, over=over)


def conditions(status: Any) -> Any:
    return {item["type"]: (item["status"], item.get("reason")) for item in status["conditions"]}


PLAIN: tuple[Any, ...] = (("i", {}),)
SIDECAR = (("s", {"restartPolicy": "Always"}),)


@pytest.mark.parametrize(
    ("policy", "inits", "init_records", "mains", "expected"),
    [
        ("Always", (), [], [waiting()], "Pending"),
        ("Always", (), [], [running(), waiting()], "Pending"),
        ("Always", (), [], [running(ready=False)], "Running"),
        ("Always", (), [], [waiting(reason="CrashLoopBackOff", last=1)], "Running"),
        ("Always", (), [], [ended(0)], "Running"),
        ("OnFailure", (), [], [ended(1)], "Running"),
        ("OnFailure", (), [], [ended(0)], "Succeeded"),
        ("Never", (), [], [ended(0), ended(0)], "Succeeded"),
        ("Never", (), [], [ended(0), ended(2)], "Failed"),
        ("Never", (), [], [ended(2), running()], "Running"),
        ("Always", PLAIN, [running()], [waiting()], "Pending"),
        ("Always", PLAIN, [waiting(reason="CrashLoopBackOff", last=1)], [waiting()], "Pending"),
        ("Never", PLAIN, [ended(1)], [waiting()], "Failed"),
        ("Never", PLAIN, [ended(0)], [running()], "Running"),
        ("Always", SIDECAR, [running(started=False)], [waiting()], "Pending"),
        ("Always", SIDECAR, [running()], [running()], "Running"),
    ],
)
def test_phase(policy: Any, inits: Any, init_records: Any, mains: Any, expected: Any) -> None:
    assert status_of(pod(policy, inits), mains, init_records)["phase"] == expected


@pytest.mark.parametrize(
    ("mains", "expected"), [([ended(0)], "Succeeded"), ([ended(0), ended(137)], "Failed"), ([waiting()], "Failed")]
)
def test_a_pod_that_is_over_ends_in_a_final_phase_whatever_its_policy(mains: Any, expected: Any) -> None:
    assert status_of(pod("Always"), mains, over=True)["phase"] == expected


@pytest.mark.parametrize(
    ("policy", "inits", "init_records", "mains", "expected"),
    [
        ("Always", (), [], [running()], {"Initialized": ("True", None), "Ready": ("True", None)}),
        ("Always", (), [], [running(ready=False)], {"Ready": ("False", "ContainersNotReady")}),
        ("Always", PLAIN, [running()], [waiting()], {"Initialized": ("False", "ContainersNotInitialized")}),
        ("Always", SIDECAR, [running()], [running()], {"Initialized": ("True", None), "Ready": ("True", None)}),
        (
            "Never",
            (),
            [],
            [ended(0)],
            {"Ready": ("False", "PodCompleted"), "ContainersReady": ("False", "PodCompleted")},
        ),
        ("Never", (), [], [ended(1)], {"Ready": ("False", "PodFailed"), "PodReadyToStartContainers": ("False", None)}),
    ],
)
def test_conditions(policy: Any, inits: Any, init_records: Any, mains: Any, expected: Any) -> None:
    found = conditions(status_of(pod(policy, inits), mains, init_records))
    assert {kind: found[kind] for kind in expected} == expected
    assert found["PodScheduled"] == ("True", None)


def test_the_message_names_the_containers_that_are_not_ready() -> None:
    status = status_of(pod(), [running("a"), running("b", ready=False), waiting("c")])
    [ready] = [item for item in status["conditions"] if item["type"] == "Ready"]
    assert ready["message"] == "containers with unready status: [b c]"


def test_a_transition_time_moves_only_with_the_status() -> None:
    before = [
        {"type": "Ready", "status": "True", "lastTransitionTime": EARLIER},
        {"type": "ContainersReady", "status": "False", "lastTransitionTime": EARLIER},
    ]
    status = status_of(pod(conditions=before, startTime=EARLIER), [running()])
    times = {item["type"]: item["lastTransitionTime"] for item in status["conditions"]}
    assert (times["Ready"], times["ContainersReady"]) == (EARLIER, NOW_TEXT)
    assert status["startTime"] == EARLIER


def test_an_unchanged_pod_gives_an_equal_status() -> None:
    first = status_of(pod(), [running()])
    assert status_of(pod(**first), [running()]) == first


def test_how_the_last_run_ended_is_kept_while_the_container_waits_and_runs() -> None:
    record = ended(3)
    terminated = record.state
    record.wait("CrashLoopBackOff", "back-off")
    assert record.state == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    assert record.last_state == terminated
    record.run(NOW)
    assert (record.state, record.last_state) == ({"running": {"startedAt": NOW_TEXT}}, terminated)


def test_what_a_restarted_node_finds_running_has_ended_with_the_node() -> None:
    written = running().status() | {"restartCount": 2}
    found = ContainerRecord.found(written, NOW)
    assert (found.exit_code, found.restart_count, found.ready) == (137, 2, False)
    assert found.state["terminated"]["reason"] == "ContainerStatusUnknown"


@pytest.mark.parametrize("record", [ended(0), waiting(reason="CrashLoopBackOff", last=1)])
def test_what_a_restarted_node_finds_ended_or_waiting_stays_so(record: Any) -> None:
    found = ContainerRecord.found(record.status(), NOW)
    assert (found.state, found.last_state) == (record.state, record.last_state)


def test_generation_and_addresses() -> None:
    status = status_of(pod(), [running()])
    assert status["observedGeneration"] == 3
    assert {item["observedGeneration"] for item in status["conditions"]} == {3}
    assert (status["podIP"], status["podIPs"]) == ("10.244.0.1", [{"ip": "10.244.0.1"}])
