"""``runtime.podTemplate``: what is laid over the pods of a revision, and what must not be."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.api.modeldeployment import Runtime
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.observed import Defaults
from rollmodel.plan.naming import REVISION

from tests.support.simulation.rollouts import DEFAULTS, model, spec
from tests.unit.plan.pods.overlay.conftest import (
    MODEL,
    PLAIN,
    Part,
    named,
    pod,
    renamed,
    serving,
    template,
)


def test_without_an_overlay_nothing_changes() -> None:
    """Neither pods nor the names of revisions: an upgrade rolls nothing."""
    empties: list[Part] = [{}, {"spec": {}, "metadata": {}}, {"spec": {"containers": [], "volumes": None}}]
    for empty in empties:
        assert template(empty) == renamed(PLAIN, template(empty))
    assert revisions.revision_id(Runtime(), model("7")) == revisions.revision_id(Runtime.model_validate({}), model("7"))
    assert "podTemplate" not in Runtime().model_dump(by_alias=True, exclude_defaults=True)


def test_another_overlay_is_another_revision() -> None:
    of = {
        template(one)["metadata"]["labels"][REVISION]
        for one in (None, {"spec": {"schedulerName": "a"}}, {"spec": {"schedulerName": "b"}})
    }
    assert len(of) == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("affinity", {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}),
        ("nodeSelector", {"zone": "a"}),
        ("priorityClassName", "high"),
        ("runtimeClassName", "nvidia"),
        ("schedulerName", "volcano"),
        ("dnsPolicy", "None"),
        ("dnsConfig", {"nameservers": ["10.0.0.10"]}),
        ("hostAliases", [{"ip": "10.0.0.1", "hostnames": ["store"]}]),
        ("terminationGracePeriodSeconds", 600),
    ],
)
def test_fields_of_the_pod(field: str, value: Any) -> None:
    assert pod(**{field: value})[field] == value


def test_tolerations_come_beside_those_of_the_runtime() -> None:
    gpu, spot = {"key": "gpu", "operator": "Exists"}, {"key": "spot", "operator": "Exists", "tolerationSeconds": 30}
    assert pod({"tolerations": [gpu]}, tolerations=[gpu, spot])["tolerations"] == [gpu, spot]


def test_pods_are_spread_as_asked() -> None:
    own = {"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}
    found = template({"spec": {"topologySpreadConstraints": [own]}})
    [constraint] = found["spec"]["topologySpreadConstraints"]
    labels = constraint.pop("labelSelector")["matchLabels"]
    assert constraint == own
    assert labels.items() <= found["metadata"]["labels"].items()
    assert REVISION in labels


def test_the_user_of_the_pod_stays_within_restricted() -> None:
    found = pod(securityContext={"runAsUser": 1234, "fsGroup": 99})["securityContext"]
    assert found == {**PLAIN["spec"]["securityContext"], "runAsUser": 1234, "fsGroup": 99}


def test_labels_and_annotations_of_the_pods() -> None:
    found = template({"metadata": {"labels": {"team": "a"}, "annotations": {"sidecar.istio.io/inject": "false"}}})
    assert found["metadata"]["labels"]["team"] == "a"
    assert found["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"
    assert found["metadata"]["annotations"].keys() > PLAIN["metadata"]["annotations"].keys()


def test_what_we_set_on_pods_goes_before_labels_that_were_stored_under_older_rules() -> None:
    found = template({"metadata": {"labels": {REVISION: "other"}, "annotations": {"prometheus.io/port": "1"}}})
    assert found["metadata"]["labels"][REVISION] != "other"
    assert found["metadata"]["annotations"]["prometheus.io/port"] != "1"


def test_volumes_and_mounts() -> None:
    shm = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}}
    data = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    mounts = [{"name": "shm", "mountPath": "/dev/shm"}, {"name": "data", "mountPath": "/data"}]  # noqa: S108
    found = pod(volumes=[shm, data], containers=[{"name": "model", "volumeMounts": mounts}])
    assert found["volumes"] == [*PLAIN["spec"]["volumes"], shm, data]
    assert named(found["containers"], "model") == {**MODEL, "volumeMounts": [*MODEL["volumeMounts"], *mounts]}


def test_shared_memory_of_a_preset_gets_a_size() -> None:
    own = {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}}
    found = pod({"preset": "Triton", "image": "triton:1"}, volumes=[own])
    assert [one for one in found["volumes"] if one["name"] == "shared-memory"] == [own]
    assert "/dev/shm" in {mount["mountPath"] for mount in found["containers"][0]["volumeMounts"]}  # noqa: S108


def test_the_model_may_lie_on_a_claim_of_each_pod() -> None:
    own = {"name": "model", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}
    assert pod(volumes=[own])["volumes"][0] == own


def test_timings_of_probes() -> None:
    found = serving(startupProbe={"failureThreshold": 900}, livenessProbe={"periodSeconds": 60})
    assert found["startupProbe"] == {**MODEL["startupProbe"], "failureThreshold": 900}
    assert found["livenessProbe"] == {**MODEL["livenessProbe"], "periodSeconds": 60}
    assert found["readinessProbe"] == MODEL["readinessProbe"]


def test_a_variable_replaces_the_one_of_its_name() -> None:
    field = {"name": "HOME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    found = serving(env=[field], envFrom=[{"configMapRef": {"name": "flags"}}])
    assert [one for one in found["env"] if one["name"] == "HOME"] == [field]
    assert found["envFrom"] == [{"configMapRef": {"name": "flags"}}]


def test_another_container_is_as_safe_as_ours_where_it_does_not_say() -> None:
    proxy = {"name": "proxy", "image": "proxy:1", "securityContext": {"readOnlyRootFilesystem": True}}
    found = pod(containers=[proxy])["containers"]
    assert found[0] == MODEL
    assert found[1]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def test_init_containers_follow_the_one_that_fetches_unless_it_is_named() -> None:
    first, second = {"name": "first", "image": "a"}, {"name": "second", "image": "b", "restartPolicy": "Always"}
    names = [one["name"] for one in pod(initContainers=[first, second])["initContainers"]]
    assert names == ["fetch-model", "first", "second"]
    fetch = {"name": "fetch-model", "resources": {"limits": {"memory": "128Mi"}}}
    found = pod(initContainers=[first, fetch, second])["initContainers"]
    assert [one["name"] for one in found] == ["first", "fetch-model", "second"]
    assert found[1]["resources"]["limits"]["memory"] == "128Mi"
    assert found[1]["image"] == PLAIN["spec"]["initContainers"][0]["image"]


def test_defaults_of_the_operator_do_not_reach_the_name_of_a_revision() -> None:
    other = Defaults(operator_image="other", server_image="other")
    asked = spec(runtime={"podTemplate": {"spec": {"schedulerName": "a"}}})
    one, two = (revisions.wanted("churn", asked, model("7"), defaults) for defaults in (DEFAULTS, other))
    assert one.id == two.id
