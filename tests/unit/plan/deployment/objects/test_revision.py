"""What makes a revision, and what does not."""

from dataclasses import replace
from typing import Any

import pytest
from rollmodel.api.modeldeployment import Runtime
from rollmodel.errors import Invalid
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.workload import deployment

from tests.support.simulation.rollouts import DEFAULTS, model, spec

OWNER = Owner("prod", "churn", "uid-0")
RUNTIME = Runtime.model_validate({"env": [{"name": "A", "value": "1"}], "resources": {"requests": {"cpu": "1"}}})


def test_the_hash_is_part_of_the_format_and_never_changes() -> None:
    """If this fails, every ModelDeployment in the world gets a new revision: raise the format number instead."""
    assert revisions.revision_id(Runtime(), model("1")) == "gnxzh2hg"
    assert revisions.revision_id(RUNTIME, model("7")) == "8pt9mwjp"


@pytest.mark.parametrize(
    "change",
    [
        {"digest": f"sha256:{'9' * 64}"},
        {"version": "2"},
        {"uri": "s3://elsewhere"},
        {"connection_secret": "other"},
    ],
)
def test_another_model_is_another_revision(change: dict[str, Any]) -> None:
    assert revisions.revision_id(RUNTIME, replace(model(), **change)) != revisions.revision_id(RUNTIME, model())


@pytest.mark.parametrize(
    "change",
    [
        {"image": "a"},
        {"args": ["x"]},
        {"command": ["x"]},
        {"env": [{"name": "A", "value": "2"}]},
        {"port": 9000},
        {"workers": 4},
        {"preset": "Custom", "image": "a"},
        {"nodeSelector": {"gpu": "yes"}},
        {"resources": {"requests": {"cpu": "2"}}},
    ],
)
def test_another_runtime_is_another_revision(change: dict[str, Any]) -> None:
    changed = Runtime.model_validate({**RUNTIME.to_wire(), **change})
    assert revisions.revision_id(changed, model()) != revisions.revision_id(RUNTIME, model())


@pytest.mark.parametrize(
    "change",
    [
        {"scale": {"replicas": 9}},
        {"traffic": None},
        {"rollout": {"steps": [{"weight": 1}]}},
        {"analysis": {"metrics": []}},
        {"runtime": {"preset": "MLflow"}},
        {"model": {"registry": {"name": "churn", "version": "1"}}},
    ],
)
def test_what_users_do_not_notice_is_no_revision(change: dict[str, Any]) -> None:
    before = revisions.wanted("churn", spec(), model(), DEFAULTS)
    assert revisions.wanted("churn", spec(**change), model(), DEFAULTS).id == before.id


def test_where_the_files_lie_is_no_revision_and_is_where_pods_ask() -> None:
    """So that an upgrade of the operator gives nobody a new revision."""
    pinned = replace(model(), files="models:/m-0f$(X)")
    before, after = (revisions.wanted("churn", spec(), one, DEFAULTS) for one in (model(), pinned))
    assert before.id == after.id
    [fetch] = after.template["spec"]["initContainers"]
    assert fetch["args"][:3] == ["fetch", "--uri", "models:/m-0f$$(X)"]
    assert fetch["env"] == before.template["spec"]["initContainers"][0]["env"]


def test_a_new_release_of_the_operator_is_no_revision() -> None:
    newer = replace(DEFAULTS, operator_image="rollmodel/operator:2", server_image="rollmodel/server:2")
    before, after = (revisions.wanted("churn", spec(), model(), defaults) for defaults in (DEFAULTS, newer))
    assert before.id == after.id
    assert before.template != after.template


def test_a_record_gives_the_revision_back() -> None:
    revision = revisions.wanted("churn", spec(runtime=RUNTIME.to_wire()), model("7"), DEFAULTS)
    assert revisions.from_record(revisions.record(OWNER, revision, 1)) == revision
    assert revision.label == "v7"


def test_a_deployment_gives_the_revision_back() -> None:
    revision = revisions.wanted("churn", spec(), model("7"), DEFAULTS)
    built = deployment(OWNER, revision.id, revision.template, replicas=1, deadline_seconds=60, model_name="churn")
    assert revisions.from_deployment(built) == revision


@pytest.mark.parametrize("preset", ["MLServer", "Triton", "VLLM", "KServe", "Custom"])
def test_servers_of_others_need_an_image(preset: str) -> None:
    with pytest.raises(Invalid, match=r"runtime\.image"):
        revisions.wanted("churn", spec(runtime={"preset": preset}), model(), DEFAULTS)
