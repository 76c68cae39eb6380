"""Runs on a real cluster: how they end, whatever the code, the data or the cluster does."""

from __future__ import annotations

from pathlib import Path

import pytest
from rollmodel.api.trainingjob import Attempts, TrainingJobStatus

from localcluster import Cluster
from tests.cluster.training.conftest import Training
from tests.support.eventually import eventually

pytestmark = pytest.mark.cluster


def counts(status: TrainingJobStatus) -> tuple[int, int, int]:
    """Attempts that were started, that failed, and that were disrupted."""
    attempts = status.attempts or Attempts()
    return attempts.started, attempts.failures, attempts.disruptions


async def test_registered(training: Training, cluster: Cluster, namespace: str, model: str) -> None:
    """The whole way, where Pod Security "restricted" is enforced; status, run and version name each other."""
    churn = training("churn")
    await churn.create(model, source={"repository": "https://example.com/churn.git", "revision": "a" * 40})
    assert await churn.outcome() == ("True", "Registered")
    status, run = await churn.status(), await churn.run()
    assert status.reproducibility is not None
    assert (run["id"], run["status"]) == (status.run_id, "FINISHED")
    assert (
        run["tags"]
        | {
            "rollmodel.dev/trainingjob": f"{namespace}/churn",
            "rollmodel.dev/git-commit": "a" * 40,
            "rollmodel.dev/seed": "7",
            "rollmodel.dev/gates": "Passed",
            "rollmodel.dev/model-version": "1",
            "rollmodel.dev/reproducibility-hash": status.reproducibility.hash,
            "rollmodel.dev/image": f"localhost/rollmodel/examples-training:1@{status.reproducibility.image_digest}",
        }
        == run["tags"]
    )
    [tags] = (await churn.versions(model)).values()
    assert tags["rollmodel.dev/run-id"] == run["id"]
    assert await churn.aliased(model) == status.model_version == "1"
    [pod] = await churn.pods()
    assert pod["spec"]["automountServiceAccountToken"] is False
    level = cluster.kubectl("get", "namespace", namespace, "-o", "jsonpath={.metadata.labels}")
    assert '"pod-security.kubernetes.io/enforce":"restricted"' in level


@pytest.mark.parametrize(
    ("metrics", "verdict"),
    [
        ('{"auc": 0.7}', "Failed"),
        ('{"auc": "NaN"}', "NotEvaluated"),
        ('{"auc": "Infinity"}', "NotEvaluated"),
        ("{}", "NotEvaluated"),
    ],
    ids=["worse", "nan", "infinite", "missing"],
)
async def test_a_gate_fails_closed(training: Training, model: str, metrics: str, verdict: str) -> None:
    churn = training("churn")
    await churn.create(model, told={"metrics": metrics})
    assert await churn.outcome() == ("False", "GatesFailed")
    [gate] = (await churn.status()).gates
    assert gate.verdict == verdict
    assert await churn.versions(model) == {}
    assert (await churn.run())["tags"]["rollmodel.dev/gates"] == "Failed"


async def test_no_model_was_logged(training: Training, model: str) -> None:
    churn = training("churn")
    await churn.create(model, told={"model": ""})
    assert await churn.outcome() == ("False", "ModelNotLogged")
    assert await churn.versions(model) == {}


async def test_the_code_fails_and_is_tried_again(training: Training, model: str, tmp_path: Path) -> None:
    churn = training("churn")
    await churn.create(model, told={"fail-until": str(tmp_path / "tried")})
    assert await churn.outcome() == ("True", "Registered")
    assert counts(await churn.status()) == (2, 1, 0)
    assert "the first try went wrong" in (await churn.events())["AttemptFailed"]


async def test_the_code_fails_too_often(training: Training, model: str) -> None:
    churn = training("churn")
    await churn.create(model, told={"exit": "3"})
    assert await churn.outcome() == ("False", "TooManyFailures")
    assert counts(await churn.status()) == (2, 2, 0)
    assert (await churn.run())["status"] == "FAILED"


async def test_bad_data_stops_the_run(training: Training, model: str) -> None:
    """Before the code sees it, and it is not tried again."""
    churn = training("churn")
    check = {"command": ["python", "-I", "-c", "raise SystemExit('3 rows lack a label')"]}
    await churn.create(model, dataValidation=check)
    assert await churn.outcome() == ("False", "DataInvalid")
    assert counts(await churn.status()) == (1, 1, 0)
    assert "3 rows lack a label" in (await churn.events())["DataInvalid"]
    assert (await churn.run())["metrics"] == {}


async def test_a_job_deleted_by_hand_is_a_disruption(training: Training, model: str, tmp_path: Path) -> None:
    churn, go = training("churn"), tmp_path / "go"
    await churn.create(model, told={"hold": str(go)})
    await churn.until_running()
    await churn.delete("Job", "churn-1")
    await churn.until(lambda status: counts(status)[2] == 1, "was disrupted")
    go.touch()
    assert await churn.outcome() == ("True", "Registered")
    assert counts(await churn.status()) == (2, 0, 1)
    assert "was deleted" in (await churn.events())["AttemptDisrupted"]


async def test_an_evicted_pod_is_a_disruption(training: Training, model: str, tmp_path: Path) -> None:
    churn, go = training("churn"), tmp_path / "go"
    await churn.create(model, told={"hold": str(go)})
    await churn.until_running()
    await churn.evict()
    await churn.until(lambda status: counts(status)[2] == 1, "was disrupted")
    go.touch()
    assert await churn.outcome() == ("True", "Registered")
    assert counts(await churn.status()) == (2, 0, 1)


async def test_an_image_that_does_not_exist(training: Training) -> None:
    """It is said, a person is asked for, and the deadline ends it."""
    churn = training("churn")
    await churn.create(template={"image": "nowhere.example/none:1"}, deadlineSeconds=6)
    message = await churn.until_condition("Stalled", "True", "ImagePullFailed")
    assert "nowhere.example/none:1" in message
    assert await churn.outcome() == ("False", "DeadlineExceeded")
    assert (await churn.run())["status"] == "KILLED"


async def test_a_deadline(training: Training, tmp_path: Path) -> None:
    churn = training("churn")
    await churn.create(told={"hold": str(tmp_path / "never")}, deadlineSeconds=3)
    assert await churn.outcome() == ("False", "DeadlineExceeded")
    assert (await churn.run())["status"] == "KILLED"
    await eventually(churn.pods, lambda pods: not pods, "no pod goes on")


async def test_suspended_and_resumed(training: Training, model: str, tmp_path: Path) -> None:
    churn, go = training("churn"), tmp_path / "go"
    await churn.create(model, told={"hold": str(go)}, suspend="Suspended")
    await churn.until_condition("Suspended", "True")
    assert (await churn.status()).run_id is None
    assert await churn.list("Job") == []
    await churn.change({"suspend": None})
    await churn.until_running()
    await churn.change({"suspend": "Suspended"})
    await churn.until_condition("Running", "False", "Suspended")
    await eventually(churn.pods, lambda pods: not pods, "no pod goes on")
    await churn.change({"suspend": None})
    await churn.until_running()
    go.touch()
    assert await churn.outcome() == ("True", "Registered")
    assert counts(await churn.status()) == (1, 0, 0)


async def test_the_time_to_live(training: Training, model: str) -> None:
    """It takes the Job and its pods, and the outcome stays."""
    churn = training("churn")
    await churn.create(model, ttlSecondsAfterFinished=1)
    assert await churn.outcome() == ("True", "Registered")
    await churn.until_absent("Job", "churn-1")
    await eventually(churn.pods, lambda pods: not pods, "the pods are gone")
    status = await churn.status()
    assert (status.model_version, counts(status)) == ("1", (1, 0, 0))
    assert await churn.outcome() == ("True", "Registered")


async def test_deleted_while_it_runs(training: Training, tmp_path: Path) -> None:
    churn = training("churn")
    await churn.create(told={"hold": str(tmp_path / "never")})
    await churn.until_running()
    await churn.delete()
    await churn.until_absent()
    assert (await churn.run())["status"] == "KILLED"
    await churn.until_absent("Job", "churn-1")
    await eventually(churn.pods, lambda pods: not pods, "no pod goes on")


async def test_a_rerun_is_recognised(training: Training) -> None:
    """Of two runs of one experiment with the same hash, the later names the earlier."""
    names = ("first", "second", "other")
    for name in names:
        seed = 8 if name == "other" else 7
        await training(name).create(tracking={"experiment": training(name).namespace}, seed=seed)
        await training(name).until_ended()
    statuses = [await training(name).status() for name in names]
    facts = [one.reproducibility for one in statuses if one.reproducibility is not None]
    assert [one.rerun_of for one in facts] == [None, statuses[0].run_id, None]
    assert facts[0].hash == facts[1].hash != facts[2].hash
