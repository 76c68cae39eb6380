"""What the chart refuses, by the path of the value, and what its notes say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from charts.__main__ import CHART
from tests.cluster.charts.conftest import Helm
from tests.cluster.charts.rendering.matrix import DIGEST
from tests.cluster.charts.rendering.rendered import container


def test_logins_come_from_secrets_only(helm: Helm) -> None:
    login = {"secretName": "mlflow", "usernameKey": "user", "passwordKey": "password"}
    variables = container(helm.render({"settings": {"registry": {"login": login}, "prometheus": {"login": login}}}))[
        "env"
    ]
    found = {one["name"]: one["valueFrom"]["secretKeyRef"]["key"] for one in variables if "valueFrom" in one}
    assert found == {
        "ROLLMODEL_REGISTRY_USERNAME": "user",
        "ROLLMODEL_REGISTRY_PASSWORD": "password",
        "ROLLMODEL_PROMETHEUS_USERNAME": "user",
        "ROLLMODEL_PROMETHEUS_PASSWORD": "password",
    }


def test_what_is_not_set_is_left_to_the_operator_and_to_a_config_map(helm: Helm) -> None:
    found = container(helm.render())
    names = [one["name"] for one in found["env"]]
    assert names == ["MALLOC_ARENA_MAX"]
    assert found["envFrom"][0] == {"configMapRef": {"name": "rollmodel", "optional": True}}


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"replicas": 6}, "at '/replicas': maximum: got 6, want 5"),
        ({"replicas": 2, "leaderElection": {"enabled": False}}, "replicas: more than 1 needs leaderElection.enabled"),
        ({"watch": {"shard": "a", "namespaces": ["b"]}}, "watch: set either shard or namespaces"),
        ({"watch": {"shard": "a"}, "leaderElection": {"enabled": False}}, "watch.shard needs leaderElection.enabled"),
        ({"leaderElection": {"leaseSeconds": 1}}, "at '/leaderElection/leaseSeconds': minimum: got 1, want 5"),
        ({"replica": 1}, "additional properties 'replica' not allowed"),
        ({"image": {"sha": DIGEST}}, "at '/image': additional properties 'sha' not allowed"),
        ({"image": {"digest": "sha256:abc"}}, "at '/image/digest'"),
        ({"watch": {"namespaces": "team-a"}}, "at '/watch/namespaces': got string, want array"),
        ({"watch": {"namespaces": ["Team_A"]}}, "at '/watch/namespaces/0'"),
        ({"settings": {"registry": {"url": "http://user:pass@mlflow"}}}, "at '/settings/registry/url'"),
        ({"settings": {"registry": {"password": "hunter2"}}}, "additional properties 'password' not allowed"),
        ({"settings": {"concurrency": 0}}, "at '/settings/concurrency': minimum: got 0, want 1"),
        ({"settings": {"logLevel": "LOUD"}}, "at '/settings/logLevel': value must be one of"),
        ({"podSecurityContext": {"runAsUser": 0}}, "at '/podSecurityContext/runAsUser': minimum: got 0, want 1"),
        ({"podSecurityContext": {"runAsNonRoot": False}}, "additional properties 'runAsNonRoot' not allowed"),
        (
            {"extraObjects": [{"kind": "ConfigMap"}]},
            "at '/extraObjects/0': missing properties 'apiVersion', 'metadata'",
        ),
        ({"connectionSecrets": [{"namespace": "a", "names": []}]}, "at '/connectionSecrets/0/names'"),
        (
            {"settings": {"registry": {"login": {"tokenKey": "token"}}}},
            "settings.registry.login: secretName is missing",
        ),
        (
            {"settings": {"prometheus": {"login": {"secretName": "a", "usernameKey": "user"}}}},
            "settings.prometheus.login: set tokenKey, or usernameKey and passwordKey",
        ),
        (
            {"settings": {"registry": {"login": {"secretName": "a", "tokenKey": "t", "usernameKey": "user"}}}},
            "settings.registry.login: set either tokenKey, or usernameKey and passwordKey",
        ),
        (
            {"settings": {"prometheus": {"tokenFile": "/a", "login": {"secretName": "a", "tokenKey": "t"}}}},
            "settings.prometheus: set either tokenFile or login",
        ),
        (
            {"features": {"connectionSecrets": False}, "connectionSecrets": [{"namespace": "a", "names": ["b"]}]},
            "connectionSecrets grants rights that features.connectionSecrets=false takes away",
        ),
        (
            {"prometheusRule": {"enabled": True}},
            "prometheusRule: set job, or metrics.podMonitor.enabled",
        ),
        (
            {"settings": {"metricsAccess": "Reviewed"}, "metrics": {"podMonitor": {"enabled": True}}},
            "metrics.podMonitor: tokenSecret.name is missing",
        ),
        ({"prometheusRule": {"without": ["OperatorDown"]}}, "at '/prometheusRule/without/0'"),
        (
            {"watch": {"namespaces": ["a"]}, "connectionSecrets": [{"namespace": "b", "names": ["c"]}]},
            "connectionSecrets: namespace b is not in watch.namespaces",
        ),
    ],
    ids=lambda one: str(one)[:60] if isinstance(one, dict) else "",
)
def test_a_wrong_value_is_refused_by_its_path(helm: Helm, values: Mapping[str, Any], complaint: str) -> None:
    assert complaint in helm.refusal("template", "rollmodel", str(CHART), values=values)


def test_a_chart_that_depends_on_this_one_may_hand_over_what_helm_does(helm: Helm) -> None:
    assert helm.render({"enabled": True, "global": {"imageRegistry": "x"}}) == helm.render()


def test_notes_tell_the_next_command_and_what_is_missing(helm: Helm) -> None:
    said = helm("install", "rollmodel", str(CHART), "--dry-run=client", "--namespace", "ml", values={})
    notes = said.partition("NOTES:")[2]
    for line in ("helm -n ml test rollmodel", "kubectl get modeldeployments -A", "No settings.prometheus.url is set"):
        assert line in notes
    settings = {"registry": {"url": "http://mlflow"}, "prometheus": {"url": "http://prometheus"}}
    complete = helm(
        "install", "rollmodel", str(CHART), "--dry-run=client", values={"settings": settings, "replicas": 0}
    )
    assert "is set. Unless" not in complete
    assert "It rests: replicas is 0" in complete
