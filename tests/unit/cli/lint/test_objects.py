"""lint says what the API server says: its answers to the same cases are compared in tests/cluster/api."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rollmodel.cli.lint.findings import written
from rollmodel.cli.lint.objects import KINDS_OF_OURS, object_problems
from rollmodel.cli.lint.schema import with_defaults

from tests.support.apiserver import spec_of

CASES = Path(__file__).parents[3] / "cluster" / "api"


def _cases(file: str) -> Iterator[tuple[str, Any]]:
    for kind, cases in yaml.safe_load((CASES / file).read_text()).items():
        yield from ((kind, case) for case in (cases.items() if isinstance(cases, dict) else cases))


def body_of(kind: str, spec: Any, name: str = "churn") -> dict[str, Any]:
    return {"apiVersion": "rollmodel.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize(("kind", "case"), list(_cases("refused.yaml")))
def test_what_the_api_server_refuses_is_told_in_its_words(kind: str, case: dict[str, Any]) -> None:
    found = list(object_problems(body_of(kind, spec_of(kind, case["change"]), case.get("name", "churn"))))
    assert {written(one.path) for one in found} == {case["field"]}
    assert any(case["says"] in one.message for one in found)


@pytest.mark.parametrize(("kind", "case"), list(_cases("accepted.yaml")))
def test_what_the_api_server_takes_is_not_complained_about(kind: str, case: tuple[str, Any]) -> None:
    assert not list(object_problems(body_of(kind, case[1])))


@pytest.mark.parametrize(("kind", "case"), list(_cases("accepted.yaml")))
def test_defaults_are_those_of_the_models(kind: str, case: tuple[str, Any]) -> None:
    from rollmodel.cli.lint.objects import _schema

    completed = with_defaults(case[1], _schema(kind)["properties"]["spec"])
    model = KINDS_OF_OURS[kind].spec
    assert model.model_validate(completed).to_wire() == model.model_validate(case[1]).to_wire()
    assert completed.keys() == model.model_validate(case[1]).to_wire().keys()


def test_an_unknown_field_is_named_with_the_one_that_may_be_meant() -> None:
    (found,) = object_problems(body_of("ModelDeployment", spec_of("ModelDeployment", {"rolout": {}})))
    assert found.message == "unknown field \"spec.rolout\": did you mean 'rollout'?"


def test_a_number_that_should_be_a_text_is_told_in_quotes() -> None:
    change = {"analysis": {"falseRollbackRisk": 0.01}}
    (found,) = object_problems(body_of("ModelDeployment", spec_of("ModelDeployment", change)))
    assert found.message == 'must be of type string: "number", in quotes: "0.01"'


METADATA = yaml.safe_load((CASES / "metadata.yaml").read_text())


@pytest.mark.parametrize("case", METADATA["refused"], ids=lambda case: case["says"])
def test_what_is_wrong_in_metadata_is_told(case: dict[str, Any]) -> None:
    body = body_of("ModelDeployment", spec_of("ModelDeployment")) | {"metadata": {"name": "churn", **case["metadata"]}}
    (found,) = object_problems(body)
    assert written(found.path) == case["field"]
    assert case.get("lint", case["says"]) in found.message


@pytest.mark.parametrize("metadata", METADATA["accepted"])
def test_metadata_that_is_taken_is_not_complained_about(metadata: dict[str, Any]) -> None:
    body = body_of("ModelDeployment", spec_of("ModelDeployment")) | {"metadata": {"name": "churn", **metadata}}
    assert not list(object_problems(body))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"apiVersion": "rollmodel.dev/v1"}, "apiVersion"),
        ({"kind": "Modeldeployment"}, "kind"),
        ({"metadata": {}}, "metadata.name"),
    ],
)
def test_what_is_no_object_of_ours_is_told(change: dict[str, Any], field: str) -> None:
    found = list(object_problems(body_of("ModelDeployment", spec_of("ModelDeployment")) | change))
    assert [written(one.path) for one in found] == [field]
