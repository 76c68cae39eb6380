"""Manifests as a reviewer reads them. Run this module to renew the files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rollmodel.api.modeldeployment import RuntimePreset
from rollmodel.plan.deployment.at_rest import children_at_rest
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.traffic.services import main_service, revision_service
from rollmodel.plan.deployment.objects.workload import deployment
from rollmodel.plan.deployment.routers.http_route import http_route, published
from rollmodel.plan.deployment.routers.router import router_for
from rollmodel.plan.deployment.routers.traffic import Split
from rollmodel.plan.deployment.runtimes import PRESETS

from tests.support.simulation.rollouts import DEFAULTS, model, spec
from tests.support.yaml_text import from_yaml

GOLDEN = Path(__file__).parent / "golden"
OWNER = Owner("prod", "churn", "0b5a2c6e-8f0e-4a3e-9d53-5ad7a6c4c7a1")
RUNTIMES: dict[str, dict[str, Any]] = {
    "mlflow": {"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}, "workers": 2},
    "mlserver": {"preset": "MLServer", "image": "example.com/mlserver:1.7.1"},
    "triton": {"preset": "Triton", "image": "example.com/triton:25.08", "nodeSelector": {"gpu": "yes"}},
    "vllm": {"preset": "VLLM", "image": "example.com/vllm:0.33", "resources": {"limits": {"nvidia.com/gpu": "1"}}},
    "kserve": {"preset": "KServe", "image": "example.com/sklearnserver:0.20"},
    "custom": {
        "preset": "Custom",
        "image": "example.com/own:1",
        "command": ["serve"],
        "args": ["--fast"],
        "port": 9000,
        "readinessPath": "/up",
        "env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}],
        "serviceAccountName": "models",
        "imagePullSecrets": [{"name": "pull"}],
    },
}


def templates() -> Iterator[tuple[str, Any]]:
    for name, runtime in RUNTIMES.items():
        yield f"pod-{name}", revisions.wanted("churn", spec(runtime=runtime), model("7"), DEFAULTS).template


def others() -> Iterator[tuple[str, Any]]:
    revision = revisions.wanted("churn", spec(), model("7"), DEFAULTS)
    short = {"spec": {"containers": ["as recorded"]}}
    yield "record", revisions.record(OWNER, revisions.Revision("bbbbbbbb", "sha256:7", short, "churn", "7"), 3)
    yield "deployment", deployment(OWNER, "bbbbbbbb", short, replicas=3, deadline_seconds=600, model_name="churn")
    yield "service-revision", revision_service(OWNER, revision.id)
    yield "service-grpc", revision_service(OWNER, revision.id, 8001)
    yield "service-stable", main_service(OWNER, revision.id)
    yield "service-split", main_service(OWNER, None)
    traffic = spec(
        traffic={
            "parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "https"}],
            "hostnames": ["churn.example.com"],
            "pathPrefix": "/v1",
            "requestTimeoutSeconds": 30,
        }
    ).traffic
    assert traffic is not None
    paths = published(traffic, PRESETS[RuntimePreset.MLFLOW])
    yield "route", http_route(OWNER, traffic, paths, {"bbbbbbbb": 95, "cccccccc": 5, "dddddddd": 0})
    grpc = spec(
        runtime=RUNTIMES["triton"],
        traffic={"parentRefs": [{"name": "public"}], "hostnames": ["churn.example.com"], "protocol": "GRPC"},
    )
    split = Split("bbbbbbbb", {"bbbbbbbb": 95, "cccccccc": 5})
    yield "route-grpc", next(o for o in router_for(grpc).objects(OWNER, split, installed=True) if "Route" in o["kind"])
    yield from pools()
    yield "route-mirror", http_route(OWNER, traffic, paths, {"bbbbbbbb": 100}, {"cccccccc": 20})


def pools() -> Iterator[tuple[str, Any]]:
    """What a revision has beside its pods where they are in an InferencePool."""
    picker = {"image": "example.com/epp:1", "serviceAccountName": "picker", "resources": {"requests": {"cpu": "1"}}}
    pooled = {"parentRefs": [{"name": "public"}], "inferencePool": {"endpointPicker": picker}}
    found = children_at_rest("prod", "churn", spec(runtime=RUNTIMES["vllm"], traffic=pooled), model("7"), DEFAULTS)
    names = {"HTTPRoute": "route-pools", "InferencePool": "pool"}
    for child in found:
        epp = child["metadata"]["name"].endswith("-epp")
        name = f"picker-{child['kind'].lower()}" if epp else names.get(child["kind"])
        if name is not None:
            meta = {key: child["metadata"][key] for key in ("name", "labels")}
            yield name, {**child, "metadata": meta}


CASES = [*templates(), *others()]


@pytest.mark.parametrize(("name", "manifest"), CASES, ids=[name for name, _ in CASES])
def test_manifest_is_as_reviewed(name: str, manifest: dict[str, Any]) -> None:
    assert manifest == from_yaml((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8"))


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == {name for name, _ in CASES}


class _Plain(yaml.SafeDumper):
    """Without anchors, which nobody reads."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for case, built in CASES:
        text = yaml.dump(built, Dumper=_Plain, sort_keys=False, width=110)
        (GOLDEN / f"{case}.yaml").write_text(text, encoding="utf-8")
