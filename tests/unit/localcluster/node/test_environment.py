import base64
from typing import Any

import pytest

from localcluster.node.containers.environment import ConfigError, container_environment, expand, field_value

POD = {
    "metadata": {"name": "p", "namespace": "ns", "uid": "u", "labels": {"app": "a", "x/y": "z"}, "annotations": {}},
    "spec": {"nodeName": "local", "serviceAccountName": "default"},
    "status": {"podIP": "10.244.1.2", "hostIP": "127.0.0.1"},
}
OBJECTS = {
    ("configmaps", "settings"): {"data": {"A": "1", "B": "two"}},
    ("secrets", "login"): {"data": {"user": base64.b64encode(b"root").decode()}},
}


async def lookup(resource: Any, name: str) -> Any:
    return OBJECTS.get((resource, name))


def ref(kind: Any, name: str, key: Any, **more: Any) -> Any:
    return {"name": "V", "valueFrom": {kind: {"name": name, "key": key, **more}}}


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({}, {}),
        (
            {"env": [{"name": "A", "value": "x"}, {"name": "B", "value": "$(A)y $(C) $$(A)"}]},
            {"A": "x", "B": "xy $(C) $(A)"},
        ),
        ({"env": [{"name": "A"}]}, {"A": ""}),
        ({"envFrom": [{"configMapRef": {"name": "settings"}}]}, {"A": "1", "B": "two"}),
        ({"envFrom": [{"prefix": "P_", "secretRef": {"name": "login"}}]}, {"P_user": "root"}),
        (
            {"envFrom": [{"configMapRef": {"name": "settings"}}], "env": [{"name": "A", "value": "own"}]},
            {"A": "own", "B": "two"},
        ),
        ({"envFrom": [{"configMapRef": {"name": "none", "optional": True}}]}, {}),
        ({"env": [ref("secretKeyRef", "login", "user")]}, {"V": "root"}),
        ({"env": [ref("configMapKeyRef", "settings", "B")]}, {"V": "two"}),
        ({"env": [ref("secretKeyRef", "login", "none", optional=True)]}, {}),
        ({"env": [ref("secretKeyRef", "none", "user", optional=True)]}, {}),
        ({"env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]}, {"IP": "10.244.1.2"}),
    ],
)
async def test_variables(container: Any, expected: Any) -> None:
    assert await container_environment(POD, container, lookup) == expected


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"env": [ref("secretKeyRef", "login", "none")]}, "couldn't find key none in Secret ns/login"),
        ({"env": [ref("secretKeyRef", "none", "user")]}, 'secret "none" not found'),
        ({"envFrom": [{"configMapRef": {"name": "none"}}]}, 'configmap "none" not found'),
        ({"env": [{"name": "V", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]}, "resourceFieldRef"),
        ({"env": [{"name": "V", "valueFrom": {"fieldRef": {"fieldPath": "spec.priority"}}}]}, "spec.priority"),
    ],
)
async def test_what_cannot_be_configured(container: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        await container_environment(POD, container, lookup)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "ns"),
        ("metadata.uid", "u"),
        ("metadata.labels['x/y']", "z"),
        ("metadata.labels['none']", ""),
        ("metadata.labels", 'app="a"\nx/y="z"'),
        ("spec.nodeName", "local"),
        ("spec.serviceAccountName", "default"),
        ("status.hostIP", "127.0.0.1"),
    ],
)
def test_downward_api(path: str, expected: Any) -> None:
    assert field_value(POD, path) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("$(A)", "1"), ("$$(A)", "$(A)"), ("$(B)", "$(B)"), ("$A", "$A"), ("$(A)$(A)", "11")]
)
def test_expansion(text: str, expected: Any) -> None:
    assert expand(text, {"A": "1"}) == expected
