"""The admission policies on a real API server: what three people may name in a spec, and who may promote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from rollmodel.cli import VERBS

from charts.__main__ import REPOSITORY
from localcluster import Cluster, LocalClusterError
from tests.cluster.charts.access.people import LEAD, REVIEWER, SCIENTIST, TEAM, People
from tests.cluster.charts.conftest import Helm, Object
from tests.cluster.conftest import WaitUntil, serve_kinds

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built

PLAIN: Object = {"model": {"registry": {"name": "churn", "version": "1"}}}
OWN = {"model": {"registry": {"name": "churn", "version": "1"}, "connectionRef": {"name": "own"}}}


OUR_IMAGES, OUR_MODELS = "registry.example.com/ml/", "https://models.example.com/"
DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def people(bare: Cluster, helm: Helm, wait_until: WaitUntil) -> Iterator[People]:
    """The team, its people, and the policies at work."""
    crds = serve_kinds(bare)
    wanted = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ClusterRole")
    policies = {"enabled": True, "images": [OUR_IMAGES], "addresses": [OUR_MODELS, "s3://models/"]}
    installed = [one for one in helm.render({"admissionPolicies": policies}) if one["kind"] in wanted]
    example = (
        (REPOSITORY / "examples" / "who-may-what.yaml").read_text().replace("namespace: models", f"namespace: {TEAM}")
    )
    bare.kubectl("create", "namespace", TEAM)
    bare.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(installed))
    bare.kubectl("apply", "-f", "-", stdin=example)
    names = [f"--resource-name=shared-{number}" for number in range(11)]
    bare.kubectl("create", "role", "shared", "--verb=get", "--resource=secrets", *names, "-n", TEAM)
    bare.kubectl("create", "rolebinding", "shared", "--role=shared", f"--user={LEAD}", "-n", TEAM)
    bare.kubectl("create", "role", "pods", "--verb=create", "--resource=pods", "-n", TEAM)
    bare.kubectl("create", "rolebinding", "pods", "--role=pods", f"--user={LEAD}", "-n", TEAM)
    found = People(bare)
    serving = {"kind": "ModelDeployment", "apiVersion": "rollmodel.dev/v1alpha1"}
    churn = {**serving, "metadata": {"name": "churn"}, "spec": PLAIN}
    found.kubectl(SCIENTIST, "create", "-f", "-", stdin=json.dumps(churn))
    # A policy works a moment after it is there.
    wait_until(lambda: found.write(SCIENTIST, {**PLAIN, "runtime": {"serviceAccountName": "other"}}) is not None)
    wait_until(lambda: found.say(SCIENTIST, "promote abc 1") is not None)
    for kind in ("driftpolicies", "trainingjobs"):
        wait_until(lambda kind=kind: bool(_observed(bare, f"rollmodel-{kind}")))  # type: ignore[misc]
    yield found
    bare.kubectl("delete", "-f", "-", stdin=yaml.safe_dump_all(installed))
    bare.kubectl("delete", "namespace", TEAM, "--wait=false")
    bare.kubectl("delete", "-f", str(crds))


def _observed(cluster: Cluster, name: str) -> Object:
    policy = json.loads(cluster.kubectl("get", "validatingadmissionpolicy", name, "-o", "json"))
    return dict(policy.get("status", {}))


@pytest.mark.parametrize("policy", ["modeldeployments", "trainingjobs", "driftpolicies", "commands"])
def test_the_api_server_understands_the_expressions(people: People, bare: Cluster, policy: str) -> None:
    status = _observed(bare, f"rollmodel-{policy}")
    assert status["observedGeneration"] == 1
    assert status.get("typeChecking", {}).get("expressionWarnings", []) == []


@pytest.mark.parametrize("who", [SCIENTIST, LEAD])
def test_the_usual_spec_is_for_everybody(people: People, who: str) -> None:
    assert people.write(who, PLAIN) is None


def test_a_service_account_is_named_only_by_those_who_may_use_it(people: People) -> None:
    spec = {**PLAIN, "runtime": {"serviceAccountName": "team"}}
    refused = people.write(SCIENTIST, spec)
    assert refused is not None
    assert "scientist may not use ServiceAccount 'team': that needs the verb use on serviceaccounts" in refused
    assert people.write(LEAD, spec) is None
    assert people.write(LEAD, {**PLAIN, "runtime": {"serviceAccountName": "other"}}) is not None


def test_what_is_laid_over_pods_needs_the_right_to_make_pods(people: People) -> None:
    spec = {**PLAIN, "runtime": {"podTemplate": {"spec": {"schedulerName": "other"}}}}
    refused = people.write(SCIENTIST, spec)
    assert refused is not None
    assert "runtime.podTemplate: scientist may not create pods in this namespace" in refused
    assert people.write(LEAD, spec) is None


def secret(name: str, variable: str = "A") -> Object:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": "a"}}}


IMAGE = {"template": {"image": f"{OUR_IMAGES}train:1"}}
LOGS = {"uri": "s3://models/log", "connectionRef": {"name": "own"}}
WATCHED: Object = {"modelDeploymentRef": {"name": "churn"}}
NOTIFY = {"webhookRef": {"name": "own"}}


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("ModelDeployment", OWN),
        ("ModelDeployment", {**PLAIN, "runtime": {"env": [secret("own")]}}),
        ("ModelDeployment", {**PLAIN, "runtime": {"imagePullSecrets": [{"name": "own"}]}}),
        ("ModelDeployment", {**PLAIN, "notify": NOTIFY}),
        ("ModelDeployment", {**PLAIN, "runtime": {"predictionLog": LOGS}}),
        ("DriftPolicy", {**WATCHED, "notify": NOTIFY}),
        ("TrainingJob", {**IMAGE, "notify": NOTIFY}),
        ("TrainingJob", {**IMAGE, "tracking": {"connectionRef": {"name": "own"}}}),
        ("TrainingJob", {"template": {"image": f"{OUR_IMAGES}train:1", "env": [secret("own")]}}),
        ("TrainingJob", {"template": {"image": f"{OUR_IMAGES}train:1", "imagePullSecrets": [{"name": "own"}]}}),
        ("TrainingJob", {**IMAGE, "dataValidation": {"command": ["check"], "env": [secret("own")]}}),
        ("TrainingJob", {**IMAGE, "inputs": [{"name": "a", "uri": "s3://models/b", "connectionRef": {"name": "own"}}]}),
    ],
)
def test_a_secret_is_named_only_by_those_who_may_read_it(people: People, kind: str, spec: Object) -> None:
    refused = people.write(SCIENTIST, spec, kind)
    assert refused is not None
    assert "scientist may not read Secret 'own', which the spec names: that needs the verb get on secrets" in refused
    assert people.write(LEAD, spec, kind) is None


def server(image: str) -> Object:
    """A spec with an image of one's own."""
    return {**PLAIN, "runtime": {"preset": "Custom", "image": image, "port": 9000}}


def profiled(uri: str) -> Object:
    """A policy that compares with a profile from there."""
    return {**WATCHED, "reference": {"training": {"uri": uri, "digest": DIGEST}}}


def laid_over(**spec: list[Object]) -> Object:
    """A spec that adds something to the pods; all names are `more`."""
    named = {part: [{"name": "more", **one} for one in several] for part, several in spec.items()}
    return {**PLAIN, "runtime": {"podTemplate": {"spec": named}}}


def addressed(uri: str) -> Object:
    """A spec with a model that has an address."""
    return {"model": {"uri": uri, "digest": DIGEST}}


@pytest.mark.parametrize(
    ("kind", "allowed", "refused"),
    [
        ("ModelDeployment", server(f"{OUR_IMAGES}server:1"), server("registry.example.com/other/server:1")),
        ("ModelDeployment", server(f"{OUR_IMAGES}server:1"), server("server:1")),
        ("ModelDeployment", addressed(f"{OUR_MODELS}churn"), addressed("https://models.example.com.evil.test/churn")),
        ("ModelDeployment", addressed("s3://models/churn"), addressed("s3://other/churn")),
        ("TrainingJob", IMAGE, {"template": {"image": "train:1"}}),
        ("TrainingJob", IMAGE, {**IMAGE, "dataValidation": {"command": ["check"], "image": "check:1"}}),
        ("DriftPolicy", profiled(f"{OUR_MODELS}profile.json"), profiled("https://example.com/profile.json")),
        (
            "TrainingJob",
            {**IMAGE, "inputs": [{"name": "a", "uri": "s3://models/a"}]},
            {**IMAGE, "inputs": [{"name": "a", "uri": "s3://models/a"}, {"name": "b", "uri": "s3://other/b"}]},
        ),
    ],
)
def test_images_and_models_come_from_where_they_may(
    people: People, kind: str, allowed: Object, refused: Object
) -> None:
    for who in (SCIENTIST, LEAD):
        assert people.write(who, allowed, kind) is None
        said = people.write(who, refused, kind)
        assert said is not None
        assert "begins with none of" in said


@pytest.mark.parametrize("part", ["containers", "initContainers", "volumes"])
def test_images_that_are_added_to_pods_come_from_where_they_may(people: People, part: str) -> None:
    def with_image(image: str) -> Object:
        return {"image": {"reference": image}} if part == "volumes" else {"image": image}

    allowed, foreign = with_image(f"{OUR_IMAGES}more:1"), with_image("registry.example.com/other/more:1")
    assert people.write(LEAD, laid_over(**{part: [allowed]})) is None
    said = people.write(LEAD, laid_over(**{part: [foreign]}))
    assert said is not None
    assert "images: 'registry.example.com/other/more:1' begins with none of" in said


def test_what_is_added_to_pods_needs_no_image(people: People) -> None:
    """As timings of a probe, and a volume of another kind."""
    timing = {"name": "model", "livenessProbe": {"periodSeconds": 20}}
    assert people.write(LEAD, laid_over(containers=[timing], volumes=[{"emptyDir": {}}])) is None


def secrets(*names: str) -> Object:
    """A spec that names these in variables."""
    variables = [secret(name, f"V{number}") for number, name in enumerate(names)]
    return {**PLAIN, "runtime": {"env": variables}}


def test_each_of_several_secrets_is_asked_for_once(people: People) -> None:
    shared = [f"shared-{number}" for number in range(11)]
    assert people.write(LEAD, secrets("own", "own", "own", *shared[:8])) is None
    refused = people.write(LEAD, secrets("own", *shared[:8], "foreign"))
    assert refused is not None
    assert "lead may not read Secret 'foreign'" in refused
    refused = people.write(LEAD, secrets(*shared))
    assert refused is not None
    assert "names more than 10 Secrets" in refused


def test_a_change_is_asked_about_again_and_what_is_no_change_is_not(people: People) -> None:
    manifest: dict[str, Any] = {"apiVersion": "rollmodel.dev/v1alpha1", "kind": "ModelDeployment", "spec": OWN}
    people.kubectl(LEAD, "create", "-f", "-", stdin=json.dumps({**manifest, "metadata": {"name": "leads"}}))
    change = '{"spec":{"runtime":{"env":[{"name":"A","value":"b"}]}}}'
    with pytest.raises(LocalClusterError, match="may not read Secret 'own'"):
        people.kubectl(SCIENTIST, "patch", "mdep", "leads", "--type=merge", "-p", change)
    people.kubectl(SCIENTIST, "label", "mdep", "leads", "a=b")
    people.kubectl(LEAD, "patch", "mdep", "leads", "--type=merge", "-p", change)


def test_scientists_stop_and_reviewers_decide(people: People) -> None:
    allowed = {
        who: {verb for verb in VERBS if people.say(who, f"{verb} abc 1") is None} for who in (SCIENTIST, REVIEWER)
    }
    assert allowed == {SCIENTIST: {"abort", "pause"}, REVIEWER: set(VERBS)}
    refused = people.say(SCIENTIST, "promote abc 1")
    assert refused is not None
    assert "scientist may not promote 'churn': that needs the verb promote on modeldeployments/command" in refused


@pytest.mark.parametrize(
    "trick", [" promote abc 1", "pause\tabc 1", "pause\nabc 1", "pause\u00a0x promote 1", "pause", "Promote a 1"]
)
def test_a_command_in_another_dress_is_refused(people: People, trick: str) -> None:
    assert people.say(SCIENTIST, trick) is not None


def test_a_new_object_brings_no_command_along(people: People) -> None:
    manifest = {
        "apiVersion": "rollmodel.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "new", "annotations": {"rollmodel.dev/command": "promote abc 1"}},
        "spec": PLAIN,
    }
    with pytest.raises(LocalClusterError, match="scientist may not promote 'new'"):
        people.kubectl(SCIENTIST, "create", "--dry-run=server", "-f", "-", stdin=json.dumps(manifest))


def test_an_old_command_is_no_new_one(people: People) -> None:
    people.kubectl(REVIEWER, "annotate", "mdep", "churn", "rollmodel.dev/command=promote abc 1")
    people.kubectl(SCIENTIST, "label", "mdep", "churn", "a=b")
    people.kubectl(SCIENTIST, "annotate", "mdep", "churn", "rollmodel.dev/command-")
