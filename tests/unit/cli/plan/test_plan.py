"""``rollmodel plan``: what a manifest would change, with exit codes for pipelines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rollmodel.__main__ import main
from rollmodel.cli.common import cluster
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError

EXAMPLES = Path(__file__).parents[4] / "examples"
BASE: dict[str, Any] = {
    "apiVersion": "rollmodel.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "churn", "namespace": "prod"},
    "spec": {
        "model": {"registry": {"name": "churn", "alias": "challenger"}},
        "runtime": {"resources": {"requests": {"cpu": "500m"}}},
        "scale": {"replicas": 2},
        "traffic": {"parentRefs": [{"name": "public"}], "hostnames": ["churn.example.com"]},
    },
}

Plan = Callable[..., tuple[int, str]]


def with_spec(**changes: Any) -> dict[str, Any]:
    """The manifest with whole fields of its spec changed; None takes one away."""
    spec = {key: value for key, value in {**BASE["spec"], **changes}.items() if value is not None}
    return {**BASE, "spec": spec}


@pytest.fixture
def plan(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Exit code and output for a manifest, against the base or with these options."""
    monkeypatch.chdir(tmp_path)
    Path("old.yaml").write_text(yaml.safe_dump(BASE))

    def run(manifest: dict[str, Any], *options: str) -> tuple[int, str]:
        Path("new.yaml").write_text(yaml.safe_dump(manifest))
        code = main(["plan", "-f", "new.yaml", *(options or ("--against", "old.yaml"))])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def test_nothing_changes(plan: Plan) -> None:
    assert plan(BASE) == (0, "ModelDeployment prod/churn stays as it is\n1 object: 0 to change, nothing was written\n")


def test_a_default_that_is_written_out_changes_nothing(plan: Plan) -> None:
    assert plan(with_spec(rollout={"strategy": "Canary"}, scale={"replicas": 2, "maxUnavailable": None}))[0] == 0


def test_other_pods_are_another_revision(plan: Plan) -> None:
    code, said = plan(with_spec(runtime={"resources": {"requests": {"cpu": "1"}}}))
    assert code == 2
    assert (
        "another revision is tried, because of spec.runtime.resources.requests.cpu: Canary, by 5 %, 25 %, 50 %, 100 %"
        in said
    )
    assert 'spec.runtime.resources.requests.cpu: "500m" -> "1"' in said
    assert "  ~ Deployment churn-<revision>\n" in said
    assert "      -            cpu: 500m\n      +            cpu: '1'\n" in said
    assert "Service" not in said  # what stays as it is is not shown
    assert "HTTPRoute" not in said


def test_a_policy_changes_no_object(plan: Plan) -> None:
    code, said = plan(with_spec(rollout={"steps": [{"weight": 10}]}))
    assert code == 2
    assert "no pods change for it; the policy holds for the rollout that runs, and for later ones" in said
    assert "another revision" not in said
    assert "  ~ " not in said


def test_objects_come_change_and_go(plan: Plan) -> None:
    autoscaling = {"maxReplicas": 5, "metrics": [{"cpu": {"averageValue": "1"}}]}
    code, said = plan(with_spec(scale={"replicas": 2, "autoscaling": autoscaling, "maxUnavailable": 1}))
    assert code == 2
    assert "  + HorizontalPodAutoscaler churn\n" in said
    assert "  + PodDisruptionBudget churn\n" in said
    assert "another revision" not in said
    route = {**BASE["spec"]["traffic"], "hostnames": ["other.example.com"]}
    assert "      -  - churn.example.com\n      +  - other.example.com\n" in plan(with_spec(traffic=route))[1]
    assert "  - HTTPRoute churn\n" in plan(with_spec(traffic=None))[1]


def test_another_model_is_the_registry_s_affair(plan: Plan) -> None:
    _, said = plan(with_spec(model={"registry": {"name": "churn", "alias": "best"}}))
    assert "another revision is tried, because of spec.model.registry.alias" in said
    assert "which version that is the registry says" in said


def test_what_is_not_there_is_created(plan: Plan) -> None:
    code, said = plan(BASE, "--offline")
    assert code == 2
    assert said.startswith("ModelDeployment prod/churn is created\n  it is installed: nothing serves yet")
    assert "  + Deployment churn-<revision>\n" in said


def test_for_programs(plan: Plan) -> None:
    code, said = plan(with_spec(scale={"replicas": 3}), "--against", "old.yaml", "-o", "json")
    (told,) = json.loads(said)["objects"]
    assert code == 2
    assert (told["action"], told["newRevision"]) == ("change", False)
    assert told["fields"] == [{"path": "spec.scale.replicas", "before": 2, "after": 3}]
    (child,) = told["children"]
    assert (child["action"], child["kind"], child["name"]) == ("change", "Deployment", "churn-<revision>")
    assert plan(BASE, "--against", "old.yaml", "-o", "yaml")[1].startswith("objects:\n- kind: ModelDeployment")
    assert plan(BASE, "--against", "old.yaml", "-o", "jsonpath={.objects[*].action}") == (0, "none")


def test_what_is_wrong_is_no_change(plan: Plan) -> None:
    code, said = plan(with_spec(rollout={"steps": [{"weight": 0}]}))
    assert code == 1
    assert "ModelDeployment churn: spec.rollout.steps[0].weight: should be greater than or equal to 1" in said
    assert plan({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})[0] == 1


def test_a_wrong_command_line_is_no_change(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plan", "--nonsense"])
    assert ended.value.code == 1
    assert "rollmodel plan: error" in capsys.readouterr().err


def test_other_kinds_show_their_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "-f", str(EXAMPLES / "training" / "progression.yaml"), "--offline"]) == 2
    assert "its Jobs are not shown" in capsys.readouterr().out


WHOLE = [path for path in sorted(EXAMPLES.glob("*.yaml")) if "kind: ModelDeployment" in path.read_text()]


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_every_example_is_planned(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And what it would become changes nothing against itself."""
    assert main(["plan", "-f", str(path), "--offline"]) == 2
    assert "+ Deployment" in capsys.readouterr().out
    assert main(["plan", "-f", str(path), "--against", str(path)]) == 0


class Server:
    """An API server with one object; ``refuses`` is what it says to a dry run."""

    def __init__(self, live: dict[str, Any] | None, refuses: RollmodelError | None = None) -> None:
        self.live, self.refuses, self.asked = live, refuses, list[tuple[str, str, dict[str, str]]]()

    async def request(self, method: str, path: str, *, query: dict[str, str] | None = None, **_: Any) -> Any:
        self.asked.append((method, path, query or {}))
        if method == "PATCH" and self.refuses is not None:
            raise self.refuses
        if method == "GET" and self.live is None:
            raise NotFound("no such object")
        return self.live


def behind(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    def run(namespace: str | None, kubeconfig: str | None, work: Callable[[Any], Any]) -> Any:
        return asyncio.run(work(cluster.Session(server, namespace or "default")))  # type: ignore[arg-type]

    monkeypatch.setattr(cluster, "run", run)


def test_against_a_cluster(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(BASE)
    behind(monkeypatch, server)
    code, said = plan(with_spec(scale={"replicas": 3}), "-o", "table")
    assert code == 2
    assert "spec.scale.replicas: 2 -> 3" in said
    path = "/apis/rollmodel.dev/v1alpha1/namespaces/prod/modeldeployments/churn"
    assert [(method, where) for method, where, _ in server.asked] == [("GET", path), ("PATCH", path)]
    assert server.asked[1][2]["dryRun"] == "All"  # nothing is ever written


def test_what_the_api_server_would_refuse_is_no_plan(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    behind(monkeypatch, Server(None, Invalid("denied by policy: no models on Fridays")))
    assert plan(BASE, "-o", "table") == (1, "rollmodel plan: denied by policy: no models on Fridays\n")
    behind(monkeypatch, Server(None, Forbidden("you may not patch")))
    code, said = plan(BASE, "-o", "table")
    assert code == 2
    assert "whether the API server takes it is not known: you may not patch" in said
