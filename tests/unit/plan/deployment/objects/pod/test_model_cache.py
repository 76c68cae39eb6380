"""``spec.model.cache``: the pod of a model that is kept on a shared volume."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.api.modeldeployment import ModelCache, ModelDeploymentSpec, Runtime
from rollmodel.errors import Invalid
from rollmodel.plan.deployment.objects import revision as revisions

from tests.support.simulation.rollouts import DEFAULTS, model, spec

SOURCE = {"registry": {"name": "churn", "alias": "challenger"}}


def cached(cache: dict[str, Any] | None, **changes: Any) -> ModelDeploymentSpec:
    """The usual spec with a cache."""
    return spec(model={**SOURCE, **({"cache": cache} if cache else {})}, **changes)


def pod(cache: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    template = revisions.wanted("churn", cached(cache, **changes), model("7"), DEFAULTS).template
    found: dict[str, Any] = template["spec"]
    return found


def test_only_what_fetches_sees_the_claim() -> None:
    made = pod({"claimName": "models", "maxSize": "2Gi", "unusedDays": 7})
    [fetch] = made["initContainers"]
    place = fetch["args"].index("--cache")
    more = ["--cache", "/mnt/cache", "--cache-max-bytes", str(2 * 2**30), "--cache-unused-days", "7"]
    assert fetch["args"][place:] == more
    assert {"name": "model-cache", "mountPath": "/mnt/cache"} in fetch["volumeMounts"]
    assert {"name": "model-cache", "persistentVolumeClaim": {"claimName": "models"}} in made["volumes"]
    assert "model-cache" not in str(made["containers"])


def test_what_is_not_said_is_left_to_the_program() -> None:
    [fetch] = pod({"claimName": "models"})["initContainers"]
    assert fetch["args"][-2:] == ["--cache", "/mnt/cache"]


def test_without_it_nothing_is_different() -> None:
    assert "cache" not in str(pod(None))
    runtime = Runtime()
    assert revisions.revision_id(runtime, model("1"), None) == revisions.revision_id(runtime, model("1"))


@pytest.mark.parametrize("change", [{"claimName": "other"}, {"maxSize": "1Gi"}, {"unusedDays": 3}])
def test_a_change_is_another_revision(change: dict[str, Any]) -> None:
    """A claim that is not there would else stay in the template of the revision for ever."""
    before = ModelCache.model_validate({"claimName": "models"})
    after = ModelCache.model_validate({"claimName": "models", **change})
    ids = {revisions.revision_id(Runtime(), model("1"), one) for one in (None, before, after)}
    assert len(ids) == 3


def test_sidecars_do_not_write_to_it() -> None:
    mount = {"name": "model-cache", "mountPath": "/cache"}
    overlay = {"spec": {"containers": [{"name": "helper", "image": "x", "volumeMounts": [mount]}]}}
    with pytest.raises(Invalid, match="readOnly: true"):
        pod({"claimName": "models"}, runtime={"podTemplate": overlay})
    volume = {"name": "model-cache", "emptyDir": {}}
    with pytest.raises(Invalid, match="is set by the operator; take another name"):
        pod({"claimName": "models"}, runtime={"podTemplate": {"spec": {"volumes": [volume]}}})
    pod(None, runtime={"podTemplate": {"spec": {"volumes": [volume]}}})  # the name is free without a cache
