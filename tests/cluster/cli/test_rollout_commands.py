"""``rollmodel explain`` and the verbs on an object that the API server keeps, with the status of a real judge."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.cli import VERBS
from rollmodel.plan.deployment.strategies.commands import ANNOTATION

from localcluster import Cluster
from tests.cluster.cli.conftest import Run
from tests.support.apiserver import Api
from tests.support.simulation.rollouts import Cluster as Rollout
from tests.support.simulation.rollouts import model, spec

pytestmark = pytest.mark.cluster


@cache
def rollout(bad: float) -> tuple[ModelDeploymentSpec, dict[str, Any], str]:
    """Spec, status and candidate of a rollout in which version 2 fails this often, and version 1 in 5 %."""
    memory = Rollout(spec(), rate=100)
    memory.behave("1", bad=0.05)
    memory.run(1900)
    revision = memory.behave("2", bad=bad)
    memory.model = model("2")
    assert memory.run(600, lambda: memory.status.get("candidate", {}).get("weight", 0) == 10)
    memory.run(300 if bad > 0.1 else 30)
    return memory.spec, json.loads(json.dumps(memory.status)), revision


@pytest.fixture
def trying(api: Api) -> str:
    """A stored ModelDeployment ``churn`` whose candidate is being judged; its revision."""
    return _stored(api, bad=0.05)


@pytest.fixture
def rejected(api: Api) -> str:
    """A stored ModelDeployment ``churn`` whose candidate was taken back; its revision."""
    return _stored(api, bad=0.3)


def _stored(api: Api, bad: float) -> str:
    wish, status, revision = rollout(bad)
    api.create("ModelDeployment", wish.to_wire())
    api.patch_status("ModelDeployment", status)
    return revision


def _annotation(cluster: Cluster, api: Api) -> str:
    manifest = json.loads(cluster.kubectl("get", "mdep", "churn", "-n", api.namespace, "-o", "json"))
    return str(manifest["metadata"].get("annotations", {}).get(ANNOTATION, ""))


def test_explain_shows_the_evidence(trying: str, run: Run) -> None:
    code, out, err = run("explain", "churn")
    assert (code, err) == (0, "")
    assert re.search(rf"candidate +{trying} +version 2 +10 % +step 1 of 2 for", out)
    assert re.search(r"harm +[█░]{32} +evidence \d", out)
    assert "Undecided: errors: neither harm nor safety is proven yet" in out


def test_explain_shows_a_rollback(rejected: str, run: Run) -> None:
    code, out, _ = run("explain", "churn")
    assert code == 0
    assert "RolledBack: v2: ProvenHarmful: errors: proven worse" in out


def test_explain_writes_a_page(trying: str, run: Run, tmp_path: Path) -> None:
    page = tmp_path / "churn.html"
    assert run("explain", "churn", "--html", str(page))[0] == 0
    text = page.read_text(encoding="utf-8")
    assert f"<td>{trying}</td>" in text
    assert text.count('class="bar"') == 2


def test_a_page_that_cannot_be_written(trying: str, run: Run, tmp_path: Path) -> None:
    code, _, err = run("explain", "churn", "--html", str(tmp_path / "missing" / "churn.html"))
    assert code == 1
    assert "No such file or directory" in err


@pytest.mark.parametrize("verb", ["promote", "abort", "pause"])
def test_a_verb_about_the_candidate_is_written_down(
    verb: str, trying: str, run: Run, cluster: Cluster, api: Api
) -> None:
    code, out, err = run(verb, "churn")
    assert (code, err) == (0, "")
    assert f"asked to {verb} v2: v2 (revision {trying}) at 10 %" in out
    assert re.fullmatch(rf"{verb} {trying} [0-9a-f]{{8}}", _annotation(cluster, api))


def test_retry_is_about_what_was_taken_back(rejected: str, run: Run, cluster: Cluster, api: Api) -> None:
    assert run("retry", "churn")[0] == 0
    assert re.fullmatch(rf"retry {rejected} [0-9a-f]{{8}}", _annotation(cluster, api))


def test_the_writer_is_named(trying: str, run: Run, cluster: Cluster, api: Api) -> None:
    run("pause", "churn")
    text = cluster.kubectl("get", "mdep", "churn", "-n", api.namespace, "-o", "json", "--show-managed-fields")
    managers = {field["manager"] for field in json.loads(text)["metadata"]["managedFields"]}
    assert any(manager.endswith(" (rollmodel)") for manager in managers)


@pytest.mark.parametrize(
    ("verb", "bad", "why"),
    [
        ("retry", 0.05, "no revision was taken back"),
        ("abort", 0.3, "no revision is being tried"),
        ("resume", 0.05, "v2 is not paused"),
        ("undo", 0.3, "no revision was promoted"),
    ],
)
def test_nothing_to_ask_for(verb: str, bad: float, why: str, run: Run, api: Api) -> None:
    _stored(api, bad)
    code, out, err = run(verb, "churn")
    assert (code, out) == (1, "")
    assert why in err
    stored = api.objects.get_namespaced_custom_object(GROUP, VERSION, api.namespace, "modeldeployments", "churn")
    assert ANNOTATION not in stored["metadata"].get("annotations", {})


def test_a_reader_may_look_and_not_ask(trying: str, reader: Path, run: Run) -> None:
    assert run("explain", "churn", user=reader)[0] == 0
    code, out, err = run("promote", "churn", user=reader)
    assert (code, out) == (1, "")
    assert 'User "reader" cannot patch resource "modeldeployments"' in err
    assert "grant it with a Role" in err


def test_every_verb_is_tried_here() -> None:
    assert set(VERBS) == {"promote", "abort", "pause", "resume", "retry", "undo"}
