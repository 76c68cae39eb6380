"""Which ConfigMaps and Secrets pods read, and what the former hold."""

from __future__ import annotations

from typing import Any

from rollmodel.plan.deployment.objects.configuration import MOST, config_maps_of, content_of, secrets_of


def deployment(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def test_all_ways_to_read_one() -> None:
    variable = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "variable", "key": "a"}}}
    plain = [{"name": "B", "value": "b"}, {"name": "C", "valueFrom": {"secretKeyRef": {"name": "no", "key": "c"}}}]
    whole = {"configMapRef": {"name": "whole"}}
    found = config_maps_of(
        deployment(
            containers=[
                {"env": [variable, *plain]},
                {"envFrom": [whole, {"prefix": "P"}]},
            ],
            initContainers=[{"envFrom": [{"configMapRef": {"name": "first"}}]}],
            volumes=[
                {"name": "v", "configMap": {"name": "files"}},
                {"name": "w", "emptyDir": {}},
                {"name": "p", "projected": {"sources": [{"configMap": {"name": "part"}}, {"secret": {"name": "no"}}]}},
            ],
        )
    )
    assert found == ["files", "first", "part", "variable", "whole"]
    assert config_maps_of({}) == config_maps_of(deployment(containers=[{"env": None}])) == []


def test_all_ways_to_read_a_secret() -> None:
    variable = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "variable", "key": "a"}}}
    found = secrets_of(
        deployment(
            initContainers=[
                {"name": "fetch-model", "env": [{"valueFrom": {"secretKeyRef": {"name": "mlflow", "key": "a"}}}]},
                {"name": "warm", "envFrom": [{"secretRef": {"name": "whole"}}]},
            ],
            containers=[{"name": "model", "env": [variable, {"name": "B", "value": "b"}]}],
            volumes=[
                {"name": "v", "secret": {"secretName": "files"}},
                {"name": "p", "projected": {"sources": [{"secret": {"name": "part"}}, {"configMap": {"name": "no"}}]}},
            ],
        )
    )
    assert found == ["files", "part", "variable", "whole"], "the login of the fetch changes no byte of the model"


def test_very_many_are_not_all_looked_at() -> None:
    volumes = [{"configMap": {"name": f"c{number:03}"}} for number in range(100)]
    assert len(config_maps_of(deployment(volumes=volumes))) == MOST


def test_the_hash_is_of_the_content_alone() -> None:
    one = {"metadata": {"resourceVersion": "1"}, "data": {"a": "1", "b": "2"}}
    assert content_of(one) == content_of({"metadata": {"resourceVersion": "7"}, "data": {"b": "2", "a": "1"}})
    assert content_of(one) != content_of({"data": {"a": "1", "b": "3"}})
    assert content_of({}) == content_of({"data": None})
    assert content_of({"binaryData": {"a": "1"}}) != content_of({"data": {"a": "1"}})
    assert len(content_of(one)) == len("sha256:") + 12
