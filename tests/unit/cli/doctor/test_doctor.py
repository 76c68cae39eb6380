"""``rollmodel doctor`` on clusters that lack one thing each: it says which, and what to do."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from rollmodel.__main__ import main
from rollmodel.adapters.kubernetes.kinds import Resource
from rollmodel.api.crd.definition import custom_resource_definition
from rollmodel.api.crd.kinds import KINDS
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.cli.common import cluster, prometheus
from rollmodel.cli.doctor import installed
from rollmodel.cli.doctor.models import judged_scrapes
from rollmodel.cli.doctor.registry import judged_version
from rollmodel.errors import Forbidden, Invalid, NotFound, Unavailable
from rollmodel.ports.prometheus import Series

NOW = datetime.now(UTC)
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/rollmodel-system/leases/rollmodel"
DEPLOYMENTS = "/apis/apps/v1/namespaces/rollmodel-system/deployments"
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/prod/gateways/public"

MODEL: dict[str, Any] = {
    "metadata": {"name": "churn", "namespace": "prod"},
    "spec": {
        "model": {"registry": {"name": "churn", "alias": "challenger"}},
        "traffic": {"parentRefs": [{"name": "public"}]},
        "analysis": {"metrics": [{"name": "errors", "preset": "Errors"}]},
    },
    "status": {"stable": {"revision": "aaa", "modelVersion": "1", "weight": 100}},
}


def sound() -> dict[str, Any]:
    """What the API server of a cluster without faults says, by path."""
    renewed = (NOW - timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    deployment = {
        "metadata": {
            "name": "rollmodel",
            "namespace": "rollmodel-system",
            "labels": {"app.kubernetes.io/version": "0.1.0"},
        },
        "spec": {"replicas": 2},
        "status": {"readyReplicas": 2},
    }
    conditions = [{"type": kind, "status": "True"} for kind in ("Accepted", "Programmed")]
    return {
        **{f"{CRDS}/{kind.plural}.rollmodel.dev": custom_resource_definition(kind) for kind in KINDS},
        LEASE: {"spec": {"holderIdentity": "pod-1", "renewTime": renewed, "leaseDurationSeconds": 15}},
        DEPLOYMENTS: {"items": [deployment]},
        REVIEW: {"status": {"allowed": True}},
        GATEWAY: {
            "metadata": {"namespace": "prod"},
            "spec": {"listeners": [{"name": "http"}]},
            "status": {"conditions": conditions},
        },
    }


def series(interval: float = 10.0, age: float = 5.0, **labels: str) -> list[Series]:
    """Times of the last samples of two pods, as they were known every 5 s."""
    known = {"rollmodel_dev_model_deployment": "churn", "rollmodel_dev_revision": "aaa"} | labels
    end = NOW.timestamp() - age
    points = [(end + 5 * i, end + interval * ((5 * i) // interval)) for i in range(-60, 1)]
    return [Series({**known, "pod": f"churn-aaa-{pod}"}, points) for pod in range(2)]


class Fakes:
    """A cluster and a Prometheus, as they answer; errors are raised."""

    def __init__(self) -> None:
        self.answers, self.model = sound(), deepcopy(MODEL)
        self.samples: Any = series()
        self.counters: Any = [Series({"role": "total"}, [(0.0, 1.0)])]
        self.namespace = "prod"
        self.server = SimpleNamespace(request=self.request)

    async def request(self, method: str, path: str, **_: Any) -> Any:
        found = self.answers.get(path, NotFound("not found"))
        if isinstance(found, Exception):
            raise found
        return found

    async def list(self, resource: Resource) -> Sequence[dict[str, Any]]:
        return [self.model]

    async def query_range(self, query: str, **_: Any) -> Any:
        found = self.samples if query.startswith("timestamp(up") else self.counters
        if isinstance(found, Exception):
            raise found
        return found


Doctor = Callable[..., tuple[int, dict[str, dict[str, str]]]]


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    import asyncio

    found = Fakes()

    def run(namespace: str | None, kubeconfig: str | None, work: Callable[[Fakes], Awaitable[Any]]) -> Any:
        return asyncio.run(work(found))  # type: ignore[arg-type]

    monkeypatch.setattr(cluster, "run", run)
    monkeypatch.setattr(installed, "now", lambda: NOW)
    monkeypatch.setattr(prometheus, "connected", lambda _: found)
    return found


@pytest.fixture
def doctor(fakes: Fakes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Exit code, and the checks by what they are about."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def run() -> tuple[int, dict[str, dict[str, str]]]:
        code = main(["doctor", "--prometheus", "http://prometheus", "-o", "json"])
        return code, {check["subject"]: check for check in json.loads(capsys.readouterr().out)}

    return run


def test_a_sound_cluster(doctor: Doctor) -> None:
    code, checks = doctor()
    assert code == 0
    assert {check["level"] for check in checks.values()} == {"ok"}
    assert len(checks) >= 9


def _older(definition: dict[str, Any]) -> dict[str, Any]:
    older = deepcopy(definition)
    del older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["analysis"]
    return older


CRD = f"{CRDS}/modeldeployments.rollmodel.dev"
UNREADY = {"items": [{**sound()[DEPLOYMENTS]["items"][0], "status": {}}]}
LONG_AGO = {"spec": {**sound()[LEASE]["spec"], "renewTime": "2026-01-01T00:00:00.000000Z"}}
CLOSED = {**sound()[GATEWAY], "spec": {"listeners": []}}
UNANSWERED = {**sound()[GATEWAY], "status": {}}
REFUSED = {
    **sound()[GATEWAY],
    "status": {"conditions": [{"type": "Accepted", "status": "False", "reason": "Invalid", "message": "no class"}]},
}


@pytest.mark.parametrize(
    "case",
    [
        (CRD, NotFound("no"), "CRD modeldeployments.rollmodel.dev", "bad", "is not there"),
        (CRD, _older(sound()[CRD]), "CRD modeldeployments.rollmodel.dev", "bad", "spec.analysis"),
        (LEASE, LONG_AGO, "Lease rollmodel in rollmodel-system", "bad", "pod-1 led until"),
        (LEASE, {"spec": {}}, "Lease rollmodel in rollmodel-system", "bad", "nobody leads"),
        (LEASE, NotFound("no"), "Lease rollmodel in rollmodel-system", "warn", "leader election is off"),
        (LEASE, Forbidden("no"), "Lease rollmodel in rollmodel-system", "warn", "cannot be seen"),
        (DEPLOYMENTS, UNREADY, "Deployment rollmodel", "bad", "0 of 2 pods ready"),
        (REVIEW, {"status": {"allowed": False}}, "rights in prod", "warn", "patch modeldeployments (promote"),
        (GATEWAY, NotFound("no"), "churn: Gateway prod/public", "bad", "is not there"),
        (GATEWAY, UNANSWERED, "churn: Gateway prod/public", "bad", "no controller has said Accepted"),
        (GATEWAY, REFUSED, "churn: Gateway prod/public", "bad", "Accepted is False: no class"),
        (GATEWAY, CLOSED, "churn: Gateway prod/public", "bad", "has no listener"),
        (GATEWAY, Unavailable("gone"), "churn: Gateway prod/public", "bad", "gone"),
    ],
)
def test_one_thing_is_missing(fakes: Fakes, doctor: Doctor, case: tuple[str, Any, str, str, str]) -> None:
    path, answer, subject, level, says = case
    fakes.answers[path] = answer
    code, checks = doctor()
    assert checks[subject]["level"] == level
    assert says in checks[subject]["message"]
    assert checks[subject]["advice"] or isinstance(answer, Unavailable)
    assert code == (1 if level == "bad" else 0)


def install(name: str, *, namespace: str = "rollmodel-system", **variables: str) -> dict[str, Any]:
    """A Deployment of an operator with these settings."""
    (sample,) = deepcopy(sound()[DEPLOYMENTS]["items"])
    env = [{"name": f"ROLLMODEL_{variable}", "value": value} for variable, value in variables.items()]
    sample["metadata"] |= {"name": name, "namespace": namespace}
    sample["spec"]["template"] = {"spec": {"containers": [{"env": env}]}}
    found: dict[str, Any] = sample
    return found


def test_two_operators_in_one_namespace_are_told(fakes: Fakes, doctor: Doctor) -> None:
    both = [install("rollmodel"), install("second", namespace="other", NAMESPACES="staging, prod")]
    fakes.answers["/apis/apps/v1/deployments"] = {"items": both}
    code, checks = doctor()
    assert code == 1
    said = checks["operator of prod"]
    assert said["message"] == "2 operators work in it: rollmodel-system/rollmodel, other/second"
    assert "watch.shard" in said["advice"]
    both[1]["spec"]["replicas"] = 0  # one that rests does nothing
    assert "operator of prod" not in doctor()[1]


def test_an_operator_outside_the_cluster_is_not_taken_for_none(fakes: Fakes, doctor: Doctor) -> None:
    """`make operator` leaves neither a Deployment nor a Lease."""
    fakes.answers["/apis/apps/v1/deployments"] = {"items": []}
    fakes.answers[LEASE] = NotFound("no")
    code, checks = doctor()
    assert code == 1
    said = checks["Lease rollmodel in rollmodel-system"]
    assert said["message"] == "is not there: no operator has ever led"
    assert "`make operator`, cannot be seen" in said["advice"]


def test_a_namespace_that_no_operator_works_in_is_told(fakes: Fakes, doctor: Doctor) -> None:
    fakes.answers["/apis/apps/v1/deployments"] = {"items": [install("rollmodel", NAMESPACES="staging")]}
    code, checks = doctor()
    assert code == 1
    assert checks["operator of prod"]["message"] == "no operator works in it"
    assert "Deployment rollmodel" not in checks  # it is somebody else's


def test_of_shards_the_one_of_the_namespace_counts(fakes: Fakes, doctor: Doctor) -> None:
    shards = [install(name, SHARD=name, LEASE_NAME=name) for name in ("default", "a")]
    fakes.answers["/apis/apps/v1/deployments"] = {"items": shards}
    fakes.answers["/api/v1/namespaces/prod"] = {"metadata": {"labels": {"rollmodel.dev/shard": "a"}}}
    fakes.answers[f"{LEASE.removesuffix('rollmodel')}a"] = fakes.answers.pop(LEASE)
    code, checks = doctor()
    assert code == 0
    assert checks["Lease a in rollmodel-system"]["level"] == checks["Deployment a"]["level"] == "ok"
    assert "Deployment default" not in checks
    fakes.answers["/api/v1/namespaces/prod"] = {"metadata": {"labels": {"rollmodel.dev/shard": "b"}}}
    code, checks = doctor()
    assert code == 1
    assert checks["operator of prod"]["message"] == "nobody works for its shard, b; there are a, default"
    assert "kubectl label namespace prod" in checks["operator of prod"]["advice"]


def test_without_the_right_to_see_definitions_what_is_served_counts(fakes: Fakes, doctor: Doctor) -> None:
    fakes.answers |= {f"{CRDS}/{kind.plural}.rollmodel.dev": Forbidden("no") for kind in KINDS}
    fakes.answers["/apis/rollmodel.dev/v1alpha1"] = {"resources": [{"name": "modeldeployments"}]}
    code, checks = doctor()
    assert code == 1
    assert checks["CRD modeldeployments.rollmodel.dev"]["level"] == "ok"
    assert checks["CRD trainingjobs.rollmodel.dev"]["message"] == "is not there"


def test_a_gateway_of_another_namespace_must_take_routes(fakes: Fakes, doctor: Doctor) -> None:
    fakes.model["spec"]["traffic"] = {"parentRefs": [{"name": "public", "namespace": "gateways"}]}
    path = GATEWAY.replace("/prod/", "/gateways/")
    fakes.answers[path] = {**sound()[GATEWAY], "metadata": {"namespace": "gateways"}}
    code, checks = doctor()
    assert code == 1
    assert checks["churn: Gateway gateways/public"]["message"] == "takes no routes of namespace prod"
    listener = {"name": "http", "allowedRoutes": {"namespaces": {"from": "All"}}}
    fakes.answers[path]["spec"] = {"listeners": [listener]}
    assert doctor()[0] == 0


def test_a_route_that_is_refused_is_told(fakes: Fakes, doctor: Doctor) -> None:
    condition = {"type": "TrafficProgrammed", "status": "False", "reason": "NotAllowed", "message": "not from here"}
    fakes.model["status"]["conditions"] = [condition | {"lastTransitionTime": "2026-01-01T00:00:00Z"}]
    assert doctor()[1]["churn: HTTPRoute"]["message"] == "NotAllowed: not from here"


@pytest.mark.parametrize(
    ("samples", "level", "says", "advice"),
    [
        ([], "bad", "no target", "PodMonitor"),
        (series(rollmodel_dev_revision=""), "ok", "", ""),
        (series(interval=60), "warn", "windows of 120 s instead of 10 s", "lint --rps"),
        (series(age=45), "warn", "the newest sample is 45 s old", "ROLLMODEL_PROMETHEUS_DELAY_SECONDS to 40"),
    ],
)
def test_samples(samples: list[Series], level: str, says: str, advice: str) -> None:
    spec = ModelDeploymentSpec.model_validate(MODEL["spec"])
    checks = judged_scrapes("scrapes", samples, spec, now=NOW.timestamp())
    worst = max(checks, key=lambda check: ("ok", "warn", "bad").index(check.level))
    assert worst.level == level
    assert says in worst.message
    assert advice in worst.advice


def test_series_without_our_labels() -> None:
    spec = ModelDeploymentSpec.model_validate(MODEL["spec"])
    found = [Series({"pod": "churn-aaa-1"}, one.points) for one in series()]
    (check,) = judged_scrapes("scrapes", found, spec, now=NOW.timestamp())
    assert (check.level, check.message) == (
        "bad",
        "series lack rollmodel_dev_model_deployment and rollmodel_dev_revision",
    )


def test_a_prometheus_that_does_not_answer(fakes: Fakes, doctor: Doctor) -> None:
    fakes.samples = fakes.counters = Unavailable("Prometheus did not answer: ConnectionError")
    code, checks = doctor()
    assert code == 1
    assert checks["Prometheus"]["advice"].endswith("ROLLMODEL_PROMETHEUS_URL should have?")


@pytest.mark.parametrize("answer", [[], Invalid("parse error at char 3")])
def test_a_metric_that_cannot_be_judged(fakes: Fakes, doctor: Doctor, answer: Any) -> None:
    fakes.counters = answer
    code, checks = doctor()
    assert code == 1
    assert checks["churn: metric errors"]["level"] == "bad"


def test_pairs_have_no_series_at_rest_and_that_is_fine(fakes: Fakes, doctor: Doctor) -> None:
    fakes.model["spec"]["analysis"]["metrics"] = [{"name": "answers", "paired": {"maxDisagreement": "0.02"}}]
    fakes.counters = []
    checks = doctor()[1]
    assert checks["churn: metric answers"]["level"] == "ok"


@pytest.mark.parametrize(
    ("status", "text", "models", "level"),
    [
        (200, "3.5.1", 200, "ok"),
        (200, "2.22.0\n", 200, "warn"),
        (401, "", 401, "bad"),
        (200, "<html>", 404, "bad"),
        (200, "3.5.1", 403, "bad"),
    ],
)
def test_what_mlflow_says(status: int, text: str, models: int, level: str) -> None:
    assert judged_version(status, text, models).level == level
