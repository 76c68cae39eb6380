"""The API server takes the CRDs as they are meant: established, scalable, in progress from birth."""

import json
from pathlib import Path
from typing import Any

import pytest
from rollmodel.api.crd import KINDS

from localcluster import Cluster
from tests.support.apiserver import Api, Refused, spec_of

pytestmark = pytest.mark.cluster

NAMES = [kind.kind for kind in KINDS]


def _kstatus(body: dict[str, Any]) -> str:
    """How kstatus (sigs.k8s.io/cli-utils) reads an object of a kind that it does not know."""
    status = body.get("status", {})
    if status.get("observedGeneration", body["metadata"]["generation"]) != body["metadata"]["generation"]:
        return "InProgress"
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions", [])}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    return "Current" if conditions.get("Ready", "True") == "True" else "InProgress"


def _condition(kind: str, status: str) -> dict[str, str]:
    moment = "2026-01-01T00:00:00Z"
    return {"type": kind, "status": status, "reason": "Because", "message": "", "lastTransitionTime": moment}


def test_they_are_established_and_structural(cluster: Cluster, crds: Path) -> None:
    for definition in json.loads(cluster.kubectl("get", "-f", str(crds), "-o", "json"))["items"]:
        conditions = {condition["type"]: condition["status"] for condition in definition["status"]["conditions"]}
        assert conditions.get("Established") == "True"
        assert conditions.get("NamesAccepted") == "True"
        assert "NonStructuralSchema" not in conditions
        assert definition["status"]["storedVersions"] == ["v1alpha1"]


def test_what_was_applied_is_what_is_served(cluster: Cluster, crds: Path) -> None:
    """The API server dropped and changed nothing: no field of ours is unknown to it."""
    assert cluster.kubectl("diff", "--server-side", "--field-manager=kubectl", "-f", str(crds)) == ""


def test_they_are_found_by_category_and_short_name(cluster: Cluster, crds: Path) -> None:
    found = json.loads(cluster.kubectl("get", "--raw", "/apis/rollmodel.dev/v1alpha1"))["resources"]
    names = {entry["name"]: entry for entry in found}
    short = {kind.plural: kind.short_name for kind in KINDS}
    assert short == {"modeldeployments": "mdep", "trainingjobs": "tjob", "driftpolicies": "dpol"}
    for plural, short_name in short.items():
        assert (names[plural]["categories"], names[plural]["shortNames"]) == (["mlops"], [short_name])
        assert f"{plural}/status" in names
    assert [name for name in names if name.endswith("/scale")] == ["modeldeployments/scale"]


@pytest.mark.parametrize("kind", NAMES)
def test_a_new_object_is_in_progress_before_the_operator_saw_it(api: Api, kind: str) -> None:
    created = api.create(kind, spec_of(kind))
    assert created["status"] == {"observedGeneration": -1}
    assert _kstatus(created) == "InProgress"


def test_kstatus_reads_the_conditions_that_we_write(api: Api) -> None:
    api.create("ModelDeployment", spec_of("ModelDeployment"))
    for conditions, expected in (
        ([_condition("Ready", "True")], "Current"),
        ([_condition("Ready", "Unknown"), _condition("Reconciling", "True")], "InProgress"),
        ([_condition("Ready", "False"), _condition("Stalled", "True")], "Failed"),
    ):
        written = api.patch_status("ModelDeployment", {"observedGeneration": 1, "conditions": conditions})
        assert _kstatus(written) == expected


def test_a_status_has_one_owner_not_one_for_each_field(api: Api) -> None:
    """Else who wrote which field would take as many bytes as the status, in etcd and in each event of a watch."""
    api.create("ModelDeployment", spec_of("ModelDeployment"))
    written = api.patch_status("ModelDeployment", {"conditions": [_condition("Ready", "True")], "replicas": 1})
    owned = [part["fieldsV1"] for part in written["metadata"]["managedFields"] if part.get("subresource") == "status"]
    assert owned == [{"f:status": {}}]


def test_status_is_a_subresource(api: Api) -> None:
    """Who may write the spec does not write the status, and a status moves no generation."""
    api.create("ModelDeployment", spec_of("ModelDeployment"))
    assert api.patch("ModelDeployment", {"status": {"paused": "by hand"}})["status"] == {"observedGeneration": -1}
    written = api.patch_status("ModelDeployment", {"paused": "in time"})
    assert (written["status"]["paused"], written["metadata"]["generation"]) == ("in time", 1)
    assert api.patch("ModelDeployment", {"spec": {"scale": {"replicas": 2}}})["metadata"]["generation"] == 2


def test_a_status_adds_no_defaults(api: Api) -> None:
    """Status is written as a whole: what the API server added would differ at the next look."""
    api.create("ModelDeployment", spec_of("ModelDeployment"))
    status = {"observedGeneration": 1, "stable": {"revision": "b7c2"}, "evidence": []}
    assert api.patch_status("ModelDeployment", status)["status"] == status


def test_it_scales(cluster: Cluster, api: Api) -> None:
    api.create("ModelDeployment", spec_of("ModelDeployment"))
    assert api.scale("ModelDeployment")["spec"] == {"replicas": 1}
    cluster.kubectl("scale", "mdep/churn", "--replicas=3", "-n", api.namespace)
    api.patch_status("ModelDeployment", {"replicas": 2, "selector": "app=churn"})
    scale = api.scale("ModelDeployment")
    assert scale["spec"] == {"replicas": 3}
    assert scale["status"] == {"replicas": 2, "selector": "app=churn"}


@pytest.mark.parametrize("change", [{"seed": 2}, {"template": {"image": "other"}}, {"nodes": 2}, {"inputs": []}])
def test_a_training_run_stays_what_it_is(api: Api, change: dict[str, Any]) -> None:
    api.create("TrainingJob", spec_of("TrainingJob", {"seed": 1}))
    with pytest.raises(Refused, match="create another TrainingJob, so that the record of this one stays true"):
        api.patch("TrainingJob", {"spec": change})
    assert api.patch("TrainingJob", {"spec": {"suspend": "Suspended"}})["spec"]["suspend"] == "Suspended"


def test_a_scheduled_training_may_change_but_stays_scheduled(api: Api) -> None:
    api.create("TrainingJob", spec_of("TrainingJob", {"schedule": {"cron": "@daily"}}))
    assert api.patch("TrainingJob", {"spec": {"seed": 2}})["spec"]["seed"] == 2
    with pytest.raises(Refused, match="must not gain or lose `schedule`"):
        api.patch("TrainingJob", {"spec": {"schedule": None}})
