"""What a Job's controller and whoever watches it learn of the Job's Pods: how they ended, and why."""

import json
from typing import Any

import pytest

from tests.support.pods import Kube, Wait, pod_spec, shell

pytestmark = pytest.mark.cluster

SLEEP = "exec sleep 1000"
DISRUPTION = {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
BAD_DATA = {
    "action": "FailJob",
    "onExitCodes": {"containerName": "validate-data", "operator": "NotIn", "values": [0, 75]},
}


def create_job(kube: Kube, container: dict[str, Any], *inits: dict[str, Any], **job: Any) -> None:
    """A Job ``run`` as a training attempt is one: no retries of its own, and a failure policy."""
    spec = pod_spec(container, initContainers=[*inits], restartPolicy="Never")
    policy = [DISRUPTION, *([BAD_DATA] if "validate-data" in [init["name"] for init in inits] else [])]
    job |= {"backoffLimit": 0, "podFailurePolicy": {"rules": policy}, "template": {"spec": spec}}
    kube.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "run"}, "spec": job})


def pods(kube: Kube) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kube.get("pods", "-l", "batch.kubernetes.io/job-name=run")["items"]
    return found


def phases(kube: Kube) -> list[str]:
    return [pod["status"].get("phase") for pod in pods(kube)]


def verdict(kube: Kube) -> tuple[str, str] | None:
    """The Job's final condition and its reason."""
    for condition in kube.get("job", "run")["status"].get("conditions", []):
        if condition["type"] in {"Complete", "Failed"} and condition["status"] == "True":
            return condition["type"], condition["reason"]
    return None


def terminated(status: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = status["state"]["terminated"]
    return found


def evict(kube: Kube, pod: str) -> None:
    metadata = {"name": pod, "namespace": kube.namespace}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    path = f"/api/v1/namespaces/{kube.namespace}/pods/{pod}/eviction"
    kube.cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def test_a_pod_that_succeeded_tells_what_its_containers_reported(kube: Kube, wait_until: Wait) -> None:
    fetch = shell('echo "{}" > "$LOG"; echo fetched', name="fetch", terminationMessagePath="/run/report")
    fetch["env"] = [{"name": "LOG", "value": "/run/report"}]
    create_job(kube, shell('echo trained; echo done > "$ROLLMODEL_TERMINATION_LOG"'), fetch)
    wait_until(lambda: verdict(kube) == ("Complete", "CompletionsReached"))
    [pod] = pods(kube)
    assert pod["status"]["phase"] == "Succeeded"
    [init], [main] = pod["status"]["initContainerStatuses"], pod["status"]["containerStatuses"]
    assert [(terminated(item)["exitCode"], terminated(item)["message"]) for item in (init, main)] == [
        (0, "{}\n"),
        (0, "done\n"),
    ]
    logs = {name: kube.run("logs", pod["metadata"]["name"], "-c", name) for name in ("fetch", "main")}
    assert logs == {"fetch": "fetched\n", "main": "trained\n"}


def test_a_failure_of_the_code(kube: Kube, wait_until: Wait) -> None:
    create_job(kube, shell("echo no GPU; exit 3", terminationMessagePolicy="FallbackToLogsOnError"))
    wait_until(lambda: verdict(kube) == ("Failed", "BackoffLimitExceeded"))
    [pod] = pods(kube)
    [main] = pod["status"]["containerStatuses"]
    assert (pod["status"]["phase"], terminated(main)["exitCode"]) == ("Failed", 3)
    assert terminated(main)["message"] == "no GPU\n"
    assert kube.run("logs", pod["metadata"]["name"]) == "no GPU\n"


def test_bad_data_stops_the_run(kube: Kube, wait_until: Wait) -> None:
    create_job(kube, shell("true"), shell("echo 3 rows lack a label >&2; exit 1", name="validate-data"))
    wait_until(lambda: verdict(kube) == ("Failed", "PodFailurePolicy"))
    [pod] = pods(kube)
    assert pod["status"]["phase"] == "Failed"
    assert kube.run("logs", pod["metadata"]["name"], "-c", "validate-data") == "3 rows lack a label\n"


def test_data_that_could_not_be_checked(kube: Kube, wait_until: Wait) -> None:
    create_job(kube, shell("true"), shell("exit 75", name="validate-data"))
    wait_until(lambda: verdict(kube) == ("Failed", "BackoffLimitExceeded"))


@pytest.mark.parametrize("stage", ["fetches", "trains", "waits for its image"])
def test_an_eviction_is_known_from_a_failure(kube: Kube, wait_until: Wait, stage: str) -> None:
    create_job(
        kube,
        shell(SLEEP) | ({"image": "nowhere.example/none"} if stage == "waits for its image" else {}),
        shell(SLEEP if stage == "fetches" else "true", name="fetch"),
    )
    place, key = ("initContainerStatuses", "running") if stage == "fetches" else ("containerStatuses", "running")
    key = "waiting" if stage == "waits for its image" else key

    def there() -> bool:
        states = [pod["status"].get(place, [{}])[0].get("state", {}) for pod in pods(kube)]
        return any(key in state and state[key].get("reason") != "PodInitializing" for state in states)

    wait_until(there)
    [pod] = pods(kube)
    name = pod["metadata"]["name"]
    kube.run("patch", "pod", name, "--type=json", "-p", _finalizer())
    evict(kube, name)
    wait_until(lambda: verdict(kube) == ("Failed", "PodFailurePolicy"))
    status = kube.status(name)
    assert status["phase"] == "Failed"
    assert "DisruptionTarget" in [item["type"] for item in status["conditions"] if item["status"] == "True"]
    assert all("terminated" in item["state"] for item in status["containerStatuses"])
    kube.run("patch", "pod", name, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    wait_until(lambda: pods(kube) == [])


def _finalizer() -> str:
    """A patch that keeps a Pod's object after its end, beside the finalizer that the Job controller has put there."""
    return json.dumps([{"op": "add", "path": "/metadata/finalizers/-", "value": "test.example/hold"}])


def test_a_pod_deleted_by_hand_fails_like_code_does(kube: Kube, wait_until: Wait) -> None:
    """Kubernetes marks no disruption here: only who sees the deletion can tell."""
    create_job(kube, shell(SLEEP))
    wait_until(lambda: phases(kube) == ["Running"])
    kube.run("delete", "pod", pods(kube)[0]["metadata"]["name"])
    wait_until(lambda: verdict(kube) == ("Failed", "BackoffLimitExceeded"))


def test_an_evicted_pod_that_ends_with_0_has_succeeded(kube: Kube, wait_until: Wait) -> None:
    """As on a real node: code that saves a checkpoint on SIGTERM must not exit with 0."""
    create_job(kube, shell('trap "exit 0" TERM; echo up; while true; do sleep 0.1; done'))
    wait_until(lambda: phases(kube) == ["Running"])
    name = pods(kube)[0]["metadata"]["name"]
    wait_until(lambda: kube.run("logs", name) == "up\n")
    evict(kube, name)
    wait_until(lambda: verdict(kube) == ("Complete", "CompletionsReached"))


def test_a_job_is_suspended_and_goes_on_with_a_new_pod(kube: Kube, wait_until: Wait) -> None:
    create_job(kube, shell(SLEEP))
    wait_until(lambda: phases(kube) == ["Running"])
    first = pods(kube)[0]["metadata"]["uid"]
    kube.run("patch", "job", "run", "-p", '{"spec": {"suspend": true}}')
    wait_until(lambda: pods(kube) == [])
    kube.run("patch", "job", "run", "-p", '{"spec": {"suspend": false}}')
    wait_until(lambda: phases(kube) == ["Running"])
    assert pods(kube)[0]["metadata"]["uid"] != first
    assert verdict(kube) is None


def test_pods_of_an_indexed_job_know_their_place(kube: Kube, wait_until: Wait) -> None:
    index = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    label = "metadata.labels['batch.kubernetes.io/job-completion-index']"
    env = [
        {"name": "RANK", "valueFrom": {"fieldRef": {"fieldPath": index}}},
        {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": label}}},
        {"name": "MASTER", "value": "run-0.run"},
        {"name": "ADDRESS", "value": "$(MASTER):$(RANK)"},
    ]
    script = 'echo "$0 $1 $JOB_COMPLETION_INDEX $LABEL $ADDRESS $HOSTNAME"'
    container = shell(script, env=env) | {"args": ["rank-$(RANK)", "$$(RANK)"]}
    create_job(kube, container, completionMode="Indexed", completions=2, parallelism=2)
    wait_until(lambda: verdict(kube) == ("Complete", "CompletionsReached"))
    said = {kube.run("logs", pod["metadata"]["name"]) for pod in pods(kube)}
    assert said == {f"rank-{n} $(RANK) {n} {n} run-0.run:{n} run-{n}\n" for n in (0, 1)}
