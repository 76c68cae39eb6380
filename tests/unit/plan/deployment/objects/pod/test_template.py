"""The pod of a revision, in clusters with quotas, limits, and long requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.traffic.services import main_service, revision_service
from rollmodel.plan.deployment.objects.workload import deployment
from rollmodel.plan.deployment.observed import PinnedModel
from rollmodel.plan.deployment.routers.http_route import http_route, published
from rollmodel.plan.deployment.runtimes.custom import CUSTOM
from rollmodel.plan.diff import quantity

from tests.support.simulation.rollouts import DEFAULTS, model, spec


def pod(**changes: Any) -> dict[str, Any]:
    """The pod's spec."""
    template = revisions.wanted("churn", spec(**changes), model("7"), DEFAULTS).template
    found: dict[str, Any] = template["spec"]
    return found


def stored(uri: str, secret: str | None = None) -> dict[str, Any]:
    """The pod's spec for a model outside MLflow."""
    pinned = PinnedModel(uri=uri, digest="sha256:7", connection_secret=secret)
    found: dict[str, Any] = revisions.wanted("churn", spec(), pinned, DEFAULTS).template["spec"]
    return found


@pytest.mark.parametrize("uri", ["s3://models/churn", "https://files/churn.tgz"])
def test_the_keys_of_a_store_reach_what_fetches_and_nothing_else(uri: str) -> None:
    pod = stored(uri, "minio")
    [fetch] = pod["initContainers"]
    assert "envFrom" not in fetch
    assert {one["valueFrom"]["secretKeyRef"]["name"] for one in fetch["env"]} == {"minio"}
    keys = {one["name"]: one["valueFrom"]["secretKeyRef"]["key"] for one in fetch["env"]}
    assert all(name == key and key.startswith(("AWS_", "HTTPS_", "MLFLOW_S3_")) for name, key in keys.items())
    assert {"HTTPS_TOKEN"} <= set(keys) if uri.startswith("https") else {"AWS_ACCESS_KEY_ID"} <= set(keys)
    assert not {"HTTPS_PROXY", "PYTHONPATH", "AWS_CA_BUNDLE", "MLFLOW_TRACKING_INSECURE_TLS"} & set(keys)
    assert "minio" not in str(pod["containers"])
    assert not {"env", "envFrom"} & set(stored(uri)["initContainers"][0])


def test_a_claim_is_mounted_read_only_where_it_is_fetched_from() -> None:
    pod = stored("pvc://models/churn/7")
    [container] = pod["initContainers"]
    [volume] = [volume for volume in pod["volumes"] if "persistentVolumeClaim" in volume]
    assert volume["persistentVolumeClaim"] == {"claimName": "models", "readOnly": True}
    [mount] = [mount for mount in container["volumeMounts"] if mount["name"] == volume["name"]]
    assert mount["readOnly"] is True
    assert container["args"][-2:] == ["--mounted", mount["mountPath"]]
    assert volume["name"] not in {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}


_IMAGE = f"registry.example.com:5000/team/churn:7@sha256:{'1' * 64}"


@pytest.mark.parametrize(("path", "folder"), [("", None), ("/models/7", "models/7")])
def test_an_image_is_mounted_where_it_is_served_from_and_verified_there(path: str, folder: str | None) -> None:
    pod = stored(f"oci://{_IMAGE}{path}")
    [volume] = [volume for volume in pod["volumes"] if volume["name"] == "model"]
    assert volume == {"name": "model", "image": {"reference": _IMAGE, "pullPolicy": "IfNotPresent"}}
    mount = {"name": "model", "mountPath": "/mnt/models/model", "readOnly": True}
    mount |= {"subPath": folder} if folder else {}
    for container in (*pod["initContainers"], *pod["containers"]):
        assert [one for one in container["volumeMounts"] if one["name"] == "model"] == [mount]
    [fetches] = pod["initContainers"]
    assert "--mounted" not in fetches["args"]
    assert fetches["args"][-2:] == ["--dest", mount["mountPath"]]
    assert "env" not in fetches


def fetch(limits: dict[str, str] | None) -> dict[str, Any]:
    """The resources of the container that fetches, beside a server with these limits."""
    resources = {"resources": {"limits": limits}} if limits else {}
    found: dict[str, Any] = pod(runtime=resources)["initContainers"][0]["resources"]
    return found


@pytest.mark.parametrize(
    ("limits", "cpu", "memory"),
    [
        (None, None, "1Gi"),
        ({"nvidia.com/gpu": "1"}, None, "1Gi"),
        ({"cpu": "2", "memory": "8Gi"}, "2", "1Gi"),
        ({"memory": "700Mi"}, None, "700Mi"),
        ({"cpu": "50m", "memory": "128Mi"}, "50m", "512Mi"),
    ],
)
def test_what_fetches_keeps_to_quotas_and_limits_as_the_server_does(
    limits: dict[str, str] | None, cpu: str | None, memory: str
) -> None:
    resources = fetch(limits)
    assert (resources["limits"].get("cpu"), resources["limits"]["memory"]) == (cpu, memory)
    for name, most in resources["limits"].items():
        asked, limit = quantity(resources["requests"][name]), quantity(most)
        assert asked is not None
        assert limit is not None
        assert asked <= limit


@pytest.mark.parametrize(("deadline", "seconds"), [(60, 600), (600, 600), (3600, 3600)])
def test_a_server_has_as_long_to_start_as_the_deadline_allows(deadline: int, seconds: int) -> None:
    probe = pod(rollout={"deadlineSeconds": deadline})["containers"][0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == seconds


@pytest.mark.parametrize(("timeout", "grace"), [(None, 75), (30, 75), (600, 615)])
def test_a_pod_that_ends_waits_for_its_longest_request(timeout: int | None, grace: int) -> None:
    traffic = {"parentRefs": [{"name": "public"}], **({"requestTimeoutSeconds": timeout} if timeout else {})}
    assert pod(traffic=traffic)["terminationGracePeriodSeconds"] == grace


PLACED = {
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "priorityClassName": "serving",
    "runtimeClassName": "nvidia",
}


def test_pods_go_where_the_spec_says() -> None:
    found = pod(runtime={**PLACED, "securityContext": {"runAsUser": 1001, "runAsGroup": 1002, "fsGroup": 1003}})
    assert {name: found[name] for name in PLACED} == PLACED
    context = found["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (1001, 1002, 1003)
    assert context["runAsNonRoot"] is True


@pytest.mark.parametrize("preset", ["VLLM", "Triton"])
def test_a_server_whose_image_starts_as_root_gets_a_user(preset: str) -> None:
    runtime = {"preset": preset, "image": "example.com/server:1"}
    user = pod(runtime=runtime)["containers"][0]["securityContext"]["runAsUser"]
    assert user > 0
    own = pod(runtime={**runtime, "securityContext": {"runAsUser": 4711}})
    assert own["securityContext"]["runAsUser"] == 4711
    assert "runAsUser" not in own["containers"][0]["securityContext"]


@pytest.mark.parametrize(
    ("traffic", "rewritten"),
    [({}, False), ({"pathPrefix": "/churn"}, True), ({"pathPrefix": "/churn", "prefixRewrite": "Disabled"}, False)],
)
def test_a_server_sees_paths_without_the_prefix_of_its_route(traffic: dict[str, Any], *, rewritten: bool) -> None:
    asked = spec(traffic={"parentRefs": [{"name": "public"}], **traffic}).traffic
    assert asked is not None
    paths = published(asked, CUSTOM)
    [rule] = http_route(Owner("prod", "churn", "uid"), asked, paths, {"aaaaaaaa": 100})["spec"]["rules"]
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
    wanted = [{"type": "URLRewrite", "urlRewrite": {"path": path}}]
    assert rule.get("filters", []) == (wanted if rewritten else [])


def test_new_fields_leave_the_revisions_of_old_specs_alone() -> None:
    """Names as the first release gave them."""
    names = [revisions.wanted("churn", spec(runtime=one), model("7"), DEFAULTS).id for one in ({}, {"workers": 2})]
    assert names == ["tzz7sccz", "mdzfsdtw"]


def test_labels_and_annotations_reach_all_children_and_replace_none_of_ours() -> None:
    runtime = {
        "labels": {"team": "risk"},
        "annotations": {"sidecar.istio.io/inject": "false", "prometheus.io/port": "1"},
    }
    asked = spec(runtime=runtime)
    owner = Owner.of("prod", "churn", "uid", asked.runtime)
    revision = revisions.wanted("churn", asked, model("7"), DEFAULTS)
    assert asked.traffic is not None
    children = [
        revisions.record(owner, revision, 1),
        deployment(owner, revision.id, revision.template, replicas=1, deadline_seconds=600, model_name="churn"),
        revision_service(owner, revision.id),
        main_service(owner, None),
        http_route(owner, asked.traffic, ["/"], {revision.id: 100}),
    ]
    for meta in (revision.template["metadata"], *(child["metadata"] for child in children)):
        assert meta["labels"]["team"] == "risk"
        assert meta["annotations"]["sidecar.istio.io/inject"] == "false"
    ours = revision.template["metadata"]
    assert ours["labels"]["rollmodel.dev/revision"] == revision.id
    assert ours["annotations"]["prometheus.io/port"] == "8080"


def test_a_name_is_no_variable_of_the_fetching_container() -> None:
    """Kubernetes would put a login for ``$(..)`` into an argument, and that comes back in an error message."""
    named = replace(model(), uri="models:/$(MLFLOW_TRACKING_TOKEN)/1")
    revision = revisions.wanted("churn", spec(), named, DEFAULTS)
    arguments = revision.template["spec"]["initContainers"][0]["args"]
    assert arguments[arguments.index("--uri") + 1] == "models:/$$(MLFLOW_TRACKING_TOKEN)/1"
