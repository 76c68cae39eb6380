"""Specs that are parsed once."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.reconcile import parsed_specs
from rollmodel.reconcile.parsed_specs import ParsedSpecs


def body(replicas: object = 1, *, uid: str = "uid-1", generation: int = 1) -> dict[str, Any]:
    spec = {"model": {"uri": "s3://models/churn"}, "scale": {"replicas": replicas}}
    return {"metadata": {"uid": uid, "generation": generation}, "spec": spec}


@pytest.fixture
def specs() -> ParsedSpecs[ModelDeploymentSpec]:
    return ParsedSpecs(ModelDeploymentSpec)


def test_a_spec_that_did_not_change_is_not_parsed_again(specs: ParsedSpecs[ModelDeploymentSpec]) -> None:
    first = specs.of(body())
    assert specs.of(body()) is first
    assert specs.of(body(uid="uid-2")) is not first


def test_a_change_is_seen_by_content_and_by_generation(specs: ParsedSpecs[ModelDeploymentSpec]) -> None:
    first = specs.of(body())
    assert specs.of(body(2)).scale.replicas == 2
    assert specs.of(body()) == first
    assert specs.of(body(generation=2)) is not first


def test_what_is_not_understood_is_said_each_time(specs: ParsedSpecs[ModelDeploymentSpec]) -> None:
    specs.of(body())
    for _ in range(2):
        with pytest.raises(ValidationError, match="replicas"):
            specs.of(body("many"))


def test_those_that_were_looked_at_last_are_kept(
    specs: ParsedSpecs[ModelDeploymentSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsed_specs, "_MOST", 2)
    first, second = specs.of(body(uid="uid-1")), specs.of(body(uid="uid-2"))
    specs.of(body(uid="uid-1"))
    specs.of(body(uid="uid-3"))
    assert specs.of(body(uid="uid-1")) is first
    assert specs.of(body(uid="uid-2")) is not second
