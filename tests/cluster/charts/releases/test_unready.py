"""Clusters that are not as the operator needs them: it says what is missing, and works once that is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from rollmodel.api.conditions import Condition

from charts.__main__ import REPOSITORY
from localcluster import Cluster, LocalClusterError
from tests.cluster.charts.conftest import HERE, Helm, Object
from tests.cluster.charts.releases.test_release import NAMED, WITHOUT_PODS, Release
from tests.cluster.conftest import WaitUntil

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built

#: A namespace without labels of Pod Security, as most are.
PLAIN = "team-plain"
#: As the API server says it.
REFUSED = re.compile(r'cannot (patch|create) resource "(controllerrevisions|deployments)"')
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def release(bare: Cluster, helm: Helm) -> Iterator[Release]:
    bare.kubectl("create", "namespace", PLAIN)
    made = Release(bare, helm)
    yield made
    made.clear()
    bare.kubectl("delete", "namespace", PLAIN, "--timeout=60s")


def log(release: Release) -> str:
    """What the operator says, as far as it runs."""
    try:
        return release.kubectl("logs", "deployment/rollmodel")
    except LocalClusterError:
        return ""


def condition(release: Release, kind: str) -> Condition | None:
    """Of the object in the plain namespace."""
    body: Object = json.loads(release.cluster.kubectl("get", "mdep", "churn", "-n", PLAIN, "-o", "json"))
    found = [Condition.model_validate(one) for one in body.get("status", {}).get("conditions", ())]
    return next((one for one in found if one.type == kind), None)


def test_without_definitions_it_waits_for_them_and_says_how_to_get_them(
    release: Release, wait_until: WaitUntil
) -> None:
    release.helm("install", *NAMED, "--create-namespace", values={**HERE, "crds": {"enabled": False}})
    wait_until(lambda: "the CRDs of rollmodel.dev are missing: kubectl apply -f crds/" in log(release))
    release.cluster.kubectl("apply", "--server-side", "-f", str(REPOSITORY / "crds"))
    release.kubectl("rollout", "status", "deployment/rollmodel", "--timeout=120s")


def test_neighbours_that_do_not_answer_hinder_no_installation_and_are_named(
    release: Release, wait_until: WaitUntil
) -> None:
    neighbours = {"registry": {"url": NOBODY, "pollSeconds": 1}, "prometheus": {"url": NOBODY}}
    release.install(values={"settings": neighbours})
    named = {**WITHOUT_PODS, "spec": {"model": {"registry": {"name": "churn", "alias": "champion"}}}}
    release.cluster.kubectl("create", "-n", PLAIN, "-f", "-", stdin=json.dumps(named))

    def said() -> bool:
        found = condition(release, "ModelResolved")
        return found is not None and found.status != "True" and "MLflow at 127.0.0.1:1 did not answer" in found.message

    wait_until(said)


def test_a_right_that_is_missing_is_named_with_verb_and_resource(release: Release, wait_until: WaitUntil) -> None:
    release.install()
    role = release.get("clusterrole", "rollmodel")
    kept = {field: role["metadata"][field] for field in ("name", "labels", "annotations")}
    whole = json.dumps({**role, "metadata": kept})
    for rule in role["rules"]:
        if "deployments" in rule["resources"]:
            rule["verbs"] = [verb for verb in rule["verbs"] if verb not in ("create", "patch")]
    release.kubectl("replace", "-f", "-", stdin=json.dumps(role))
    release.cluster.kubectl("create", "-n", PLAIN, "-f", "-", stdin=json.dumps(WITHOUT_PODS))

    def said() -> bool:
        found = condition(release, "Stalled")
        return found is not None and found.status == "True" and REFUSED.search(found.message) is not None

    wait_until(said)
    release.kubectl("replace", "-f", "-", stdin=whole)  # it sees that by itself
    wait_until(lambda: "churn" in release.cluster.kubectl("get", "deployments", "-n", PLAIN, "-o", "name"), 70)
