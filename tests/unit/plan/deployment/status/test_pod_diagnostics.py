"""Why pods are not ready: the words that a person gets, and whether waiting can help."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.status.pod_diagnostics import Diagnosis, diagnose
from rollmodel.plan.times import stamp

from tests.support.simulation.rollouts import Cluster, spec

REVISION = "bbbbbbbb"


def pod(name: str = "p", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"rollmodel.dev/revision": REVISION}}, "status": status}


def fetching(exit_code: int, message: str | None, state: str = "state") -> dict[str, Any]:
    ended = {"terminated": {"exitCode": exit_code, "message": message}}
    return {"initContainerStatuses": [{"name": "fetch-model", state: ended}]}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": "model", "image": "a:1", "restartCount": 0, "state": state}]}


def crashed(restarts: int, message: str = "boom\nlast line") -> dict[str, Any]:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": message}}
    return {"containerStatuses": [{"name": "model", "restartCount": restarts, "state": {}, "lastState": ended}]}


CASES: list[tuple[dict[str, Any], Diagnosis | None]] = [
    (pod(), None),
    (pod(**fetching(0, None)), None),
    (
        pod(**fetching(1, "DigestMismatch: expected a, got b\n")),
        Diagnosis(
            "DigestMismatch", "pod p: the model could not be fetched: expected a, got b", fatal=True, of_model=True
        ),
    ),
    (
        pod(**fetching(1, "NoImageVolume: the image is not mounted")),
        Diagnosis("NoImageVolume", "pod p: the model could not be fetched: the image is not mounted", fatal=True),
    ),
    (
        pod(**fetching(1, "Unsupported: s3:// needs boto3")),
        Diagnosis("Unsupported", "pod p: the model could not be fetched: s3:// needs boto3", fatal=True),
    ),
    (
        pod(**fetching(1, "Unavailable: cannot reach s3", "lastState")),
        Diagnosis("Unavailable", "pod p: the model could not be fetched: cannot reach s3"),
    ),
    (
        pod(**fetching(137, None)),
        Diagnosis("FetchFailed", "pod p: the model could not be fetched: exit code 137"),
    ),
    (
        pod(**waiting("ImagePullBackOff", "not found")),
        Diagnosis("ImagePullFailed", "pod p: image a:1 cannot be pulled: not found"),
    ),
    (
        pod(**waiting("InvalidImageName")),
        Diagnosis("ImagePullFailed", "pod p: image a:1 cannot be pulled: InvalidImageName", fatal=True),
    ),
    (
        pod(**waiting("CreateContainerConfigError", 'secret "mlflow" not found')),
        Diagnosis("CreateContainerConfigError", 'pod p: secret "mlflow" not found'),
    ),
    (
        pod(**waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")),
        Diagnosis(
            "CreateContainerConfigError",
            "pod p: container has runAsNonRoot and image will run as root; pods never run as root:"
            " `runtime.securityContext.runAsUser` takes the number of a user as which the image can run",
        ),
    ),
    (
        pod(**waiting("RunContainerError", 'exec: "serve": executable file not found in $PATH')),
        Diagnosis("RunContainerError", 'pod p: exec: "serve": executable file not found in $PATH'),
    ),
    (pod(**waiting("ContainerCreating")), None),
    (pod(**crashed(1)), Diagnosis("CrashLoop", "pod p crashed: exit code 137 (OOMKilled, last line)", of_model=True)),
    (
        pod(**crashed(3)),
        Diagnosis(
            "CrashLoop",
            "pod p keeps crashing (3 restarts or more): exit code 137 (OOMKilled, last line)",
            fatal=True,
            of_model=True,
        ),
    ),
    (
        pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]),
        Diagnosis("Unschedulable", "pod p: 0/3 nodes are available"),
    ),
]


def diagnosed(*pods: dict[str, Any]) -> Diagnosis | None:
    return diagnose(Context.of(replace(Cluster(spec()).observe(), pods=pods)), REVISION)


@pytest.mark.parametrize(("found", "trouble"), CASES)
def test_trouble_of_one_pod(found: dict[str, Any], trouble: Diagnosis | None) -> None:
    assert diagnosed(found) == trouble


def test_the_worst_pod_speaks() -> None:
    trouble = diagnosed(pod("a", **crashed(1)), pod("b", **crashed(5)))
    assert trouble is not None
    assert trouble.fatal


def mounting(seconds: float, *volumes: dict[str, Any], ready: str = "False") -> Context:
    """A look at a pod that got its node so many seconds ago."""
    observed = Cluster(spec()).observe()
    placed = {
        "type": "PodScheduled",
        "status": "True",
        "lastTransitionTime": stamp(observed.now - timedelta(seconds=seconds)),
    }
    one = pod(phase="Pending", conditions=[placed, {"type": "PodReadyToStartContainers", "status": ready}])
    one["spec"] = {"volumes": list(volumes)}
    return Context.of(replace(observed, pods=(one,)))


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"secret": {"secretName": "login"}}, ": is there a Secret login?"),
        ({"configMap": {"name": "words"}}, ": is there a ConfigMap words?"),
        ({"persistentVolumeClaim": {"claimName": "data"}}, ": is there a PersistentVolumeClaim data?"),
        (
            {"projected": {"sources": [{"secret": {"name": "a"}}, {"configMap": {"name": "b"}}]}},
            ": is there a Secret a, a ConfigMap b?",
        ),
        ({"secret": {"secretName": "login", "optional": True}}, ", and `kubectl describe pod` says why"),
        ({"emptyDir": {}}, ", and `kubectl describe pod` says why"),
    ],
)
def test_a_volume_that_is_not_there_is_asked_for(volume: dict[str, Any], words: str) -> None:
    message = f"pod p has a node, but its volumes are not mounted{words}"
    assert diagnose(mounting(60, volume), REVISION) == Diagnosis("VolumesNotMounted", message)


def test_a_pod_that_has_just_got_its_node_or_has_its_volumes_is_left_alone() -> None:
    volume = {"secret": {"secretName": "login"}}
    assert diagnose(mounting(5, volume), REVISION) is None
    assert diagnose(mounting(600, volume, ready="True"), REVISION) is None


@pytest.mark.parametrize(
    "message",
    [
        'pods "churn-1" is forbidden: error looking up service account prod/nobody: serviceaccount "nobody" not found',
        'pods "churn-1" is forbidden: no PriorityClass with name none was found',
    ],
)
def test_what_a_pod_refers_to_is_missed_in_the_words_of_kubernetes(message: str) -> None:
    cluster = Cluster(spec())
    cluster.pass_until_quiet()
    revision = cluster.status["candidate"]["revision"]
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    cluster.children["Deployment", f"churn-{revision}"]["status"] = {"conditions": [failure]}
    cluster.pass_until_quiet()
    assert message in cluster.condition("Ready")["message"]


def test_pods_of_other_revisions_do_not_count() -> None:
    other = pod(**crashed(9))
    other["metadata"]["labels"]["rollmodel.dev/revision"] = "cccccccc"
    assert diagnosed(other) is None


def test_pods_that_cannot_be_created_are_told_by_the_deployment() -> None:
    cluster = Cluster(spec())
    cluster.pass_until_quiet()
    revision = cluster.status["candidate"]["revision"]
    deployment = cluster.children["Deployment", f"churn-{revision}"]
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
    deployment["status"] = {"conditions": [failure]}
    found = diagnose(Context.of(cluster.observe()), revision)
    assert found is not None
    assert (found.reason, found.fatal, found.of_model) == ("FailedCreate", False, False)
    assert found.message.startswith("exceeded quota; ")
    assert "`runtime.resources`" in found.message
    cluster.pass_until_quiet()
    assert "exceeded quota" in cluster.condition("Ready")["message"]
