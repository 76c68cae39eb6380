"""``rollmodel plan`` against a real API server: what is there, what would come, and what the server says of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rollmodel.api.base import GROUP, VERSION

from localcluster import Cluster
from tests.cluster.cli.conftest import Run
from tests.cluster.conftest import WaitUntil
from tests.support.apiserver import Api, Refused

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

CHURN: dict[str, Any] = {
    "model": {"registry": {"name": "churn", "version": "1"}},
    "runtime": {"image": "registry.example.com/churn:1", "resources": {"requests": {"cpu": "500m"}}},
    "scale": {"replicas": 2},
}

Plan = Callable[..., tuple[int, str, str]]


@pytest.fixture
def plan(run: Run, tmp_path: Path) -> Plan:
    """Plans ModelDeployment ``churn`` with these fields of the spec instead; exit code, output and errors."""

    def call(user: Path | None = None, **changes: Any) -> tuple[int, str, str]:
        manifest = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "ModelDeployment", "metadata": {"name": "churn"}}
        file = tmp_path / "churn.yaml"
        file.write_text(yaml.safe_dump({**manifest, "spec": {**CHURN, **changes}}), encoding="utf-8")
        return run("plan", "-f", str(file), **({"user": user} if user is not None else {}))

    return call


@pytest.fixture
def stored(api: Api) -> Api:
    """``churn`` is there."""
    api.create("ModelDeployment", CHURN)
    return api


def test_what_is_not_there_is_created_and_nothing_is_written(plan: Plan, cluster: Cluster, api: Api) -> None:
    code, out, err = plan()
    assert (code, err) == (2, "")
    assert f"ModelDeployment {api.namespace}/churn is created" in out
    assert "  + Deployment churn-<revision>\n" in out
    assert cluster.kubectl("get", "mdep", "-n", api.namespace, "-o", "name") == ""


def test_what_is_there_stays_as_it_is(plan: Plan, stored: Api) -> None:
    code, out, err = plan()
    assert (code, err) == (0, "")
    assert f"ModelDeployment {stored.namespace}/churn stays as it is\n" in out


def test_defaults_of_the_server_are_no_change(plan: Plan, stored: Api) -> None:
    assert plan(rollout={"strategy": "Canary", "warmUpSeconds": 30})[0] == 0


def test_another_image_and_other_resources(plan: Plan, stored: Api, cluster: Cluster) -> None:
    before = cluster.kubectl(
        "get", "mdep", "churn", "-n", stored.namespace, "-o", "jsonpath={.metadata.resourceVersion}"
    )
    runtime = {"image": "registry.example.com/churn:2", "resources": {"requests": {"cpu": "1"}}}
    code, out, err = plan(runtime=runtime)
    assert (code, err) == (2, "")
    assert "another revision is tried, because of spec.runtime.image, spec.runtime.resources.requests.cpu" in out
    assert 'spec.runtime.image: "registry.example.com/churn:1" -> "registry.example.com/churn:2"' in out
    assert (
        "      -        image: registry.example.com/churn:1\n      +        image: registry.example.com/churn:2\n"
        in out
    )
    after = cluster.kubectl(
        "get", "mdep", "churn", "-n", stored.namespace, "-o", "jsonpath={.metadata.resourceVersion}"
    )
    assert after == before


def test_another_number_of_pods_is_the_same_revision(plan: Plan, stored: Api) -> None:
    code, out, _ = plan(scale={"replicas": 3})
    assert code == 2
    assert "spec.scale.replicas: 2 -> 3" in out
    assert "another revision" not in out


def test_a_rule_is_broken_in_the_words_of_the_server(plan: Plan, api: Api) -> None:
    rollout = {"strategy": "Shadow"}
    with pytest.raises(Refused) as refused:
        api.try_out("ModelDeployment", {**CHURN, "rollout": rollout})
    code, out, err = plan(rollout=rollout)
    assert (code, out) == (1, "")
    _, words = refused.value.causes[0]
    assert words.removeprefix("Invalid value: ").removeprefix("object: ") in err


@pytest.fixture
def small_only(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A policy of the cluster that no schema of ours knows: at most three pods in this namespace; its name."""
    name = f"small-{namespace}"
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    resources = {"apiGroups": [GROUP], "apiVersions": ["*"], "operations": ["*"], "resources": ["modeldeployments"]}
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [resources]},
        "validations": [{"expression": "object.spec.scale.replicas < 4", "message": "three pods are the most here"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": here}
    kinds = {"ValidatingAdmissionPolicy": policy, "ValidatingAdmissionPolicyBinding": binding}
    items = [
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        for kind, spec in kinds.items()
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    cluster.kubectl("create", "-f", "-", stdin=text)
    yield name
    cluster.kubectl("delete", "-f", "-", stdin=text)


def test_what_only_the_server_refuses_is_said_before_it_is_applied(
    plan: Plan, small_only: str, stored: Api, wait_until: WaitUntil
) -> None:
    wait_until(lambda: plan(scale={"replicas": 4})[0] == 1)  # a policy works a moment after it is there
    code, out, err = plan(scale={"replicas": 4})
    assert (code, out) == (1, "")
    assert "three pods are the most here" in err
    assert small_only in err
    assert plan(scale={"replicas": 3})[0] == 2


def test_who_may_only_read_sees_the_change_and_what_is_not_known(plan: Plan, stored: Api, reader: Path) -> None:
    code, out, err = plan(reader, scale={"replicas": 3})
    assert code == 2
    assert "spec.scale.replicas: 2 -> 3" in out
    assert "whether the API server takes it is not known" in err
    assert 'User "reader" cannot patch resource "modeldeployments"' in err


def test_who_may_not_read_learns_nothing(plan: Plan, stored: Api, cluster: Cluster) -> None:
    code, out, err = plan(cluster.kubeconfig_for("stranger"), scale={"replicas": 3})
    assert (code, out) == (1, "")
    assert 'User "stranger" cannot get resource "modeldeployments"' in err
