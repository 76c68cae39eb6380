"""Argo CD's actions: they ask as the CLI asks, and only for what the operator would carry out."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
import yaml
from rollmodel.cli import VERBS
from rollmodel.cli.common import cluster
from rollmodel.cli.rollout.commands import ask
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.strategies.commands import ANNOTATION

from charts.__main__ import REPOSITORY
from tests.support.argo_lua import LuaError, run
from tests.support.recorded import Moment, moments

ACTIONS = REPOSITORY / "config" / "argocd" / "rollmodel.dev" / "ModelDeployment" / "actions"
MOMENTS = [one for one in moments() if one.kind == "ModelDeployment"]
Object = dict[str, Any]


def looked_at(moment: Moment, version: str = "4711") -> Object:
    """The object before the pass, as Argo CD finds it."""
    look = moment.look
    metadata = {"name": look["name"], "namespace": look["namespace"], "resourceVersion": version}
    return {
        "apiVersion": "rollmodel.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {**metadata, "generation": look["generation"]},
        "spec": look["spec"],
        "status": look["status"],
    }


def offered(obj: Object) -> set[str]:
    return {name for name, action in run(ACTIONS / "discovery.lua", obj).items() if not action["disabled"]}


def asked(verb: str, obj: Object) -> Object:
    return dict(run(ACTIONS / verb / "action.lua", obj))


def annotation(obj: Object) -> str:
    return str(obj["metadata"]["annotations"][ANNOTATION])


def test_there_is_an_action_for_each_verb_of_the_cli() -> None:
    assert {path.parent.name for path in ACTIONS.glob("*/action.lua")} == set(VERBS)
    assert set(run(ACTIONS / "discovery.lua", {"metadata": {}})) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_an_action_writes_what_the_cli_writes(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = next(one for one in MOMENTS if verb in offered(looked_at(one)))
    obj = looked_at(moment)
    by_cli: list[str] = []
    monkeypatch.setattr(cluster, "fetch", lambda name, **where: obj)
    monkeypatch.setattr(cluster, "annotate", lambda manifest, key, text, **where: by_cli.extend([key, text]))
    assert ask(verb, ["a-name"]) == 0
    key, text = by_cli
    assert key == ANNOTATION
    changed = asked(verb, obj)
    assert annotation(changed).split()[:2] == text.split()[:2]
    assert len(annotation(changed).split()) == len(text.split()) == 3
    del changed["metadata"]["annotations"]
    assert changed["metadata"] == obj["metadata"]
    assert changed["spec"] == obj["spec"]


@pytest.mark.parametrize("verb", VERBS)
def test_other_annotations_stay(verb: str) -> None:
    obj = looked_at(next(one for one in MOMENTS if verb in offered(looked_at(one))))
    obj["metadata"]["annotations"] = {"a": "b", ANNOTATION: "an old one"}
    assert asked(verb, obj)["metadata"]["annotations"]["a"] == "b"
    assert annotation(asked(verb, obj)).startswith(f"{verb} ")


def test_asked_again_it_is_another_command() -> None:
    moment = next(one for one in MOMENTS if "pause" in offered(looked_at(one)))
    assert annotation(asked("pause", looked_at(moment))) == annotation(asked("pause", looked_at(moment)))
    assert annotation(asked("pause", looked_at(moment))) != annotation(asked("pause", looked_at(moment, "4712")))


@pytest.mark.parametrize("verb", VERBS)
def test_an_action_without_a_revision_says_so(verb: str) -> None:
    missing = {"retry": "no revision was taken back", "undo": "no revision serves"}.get(
        verb, "no revision is being tried"
    )
    with pytest.raises(LuaError, match=f"nothing to {verb}: {missing}"):
        asked(verb, {"metadata": {"name": "a"}})


def situations() -> list[Moment]:
    """One recorded moment for each situation that matters to a command: a pass costs milliseconds."""
    found: dict[tuple[Any, ...], Moment] = {}
    for moment in MOMENTS:
        status = moment.look["status"]
        arms = [bool(status.get(one)) for one in ("stable", "candidate", "rejected")]
        step = (status.get("candidate") or {}).get("step")
        promoted = any(entry["verdict"] == "Promoted" for entry in status.get("history", ()))
        asleep = (moment.look["spec"].get("scale") or {}).get("replicas") == 0
        found[(*arms, step, promoted, asleep, str(status.get("paused")).partition(":")[0])] = moment
    return list(found.values())


def test_what_is_offered_is_what_the_operator_carries_out() -> None:
    """Every action in every situation: offered ones are done, others are ignored."""
    answers: set[tuple[str, str]] = set()
    for moment in situations():
        obj = looked_at(moment)
        for verb in VERBS:
            try:
                text = annotation(asked(verb, obj))
            except LuaError:
                assert verb not in offered(obj)
                continue
            observed = dataclasses.replace(moment.observed(), annotations={ANNOTATION: text})
            answer = decide(observed).status["lastCommand"]
            assert answer["text"] == text
            wanted = "Done" if verb in offered(obj) else "Ignored"
            assert answer["result"] == wanted, f"{moment.story} {moment.number}: {verb}: {answer}"
            answers.add((verb, wanted))
    assert {verb for verb, result in answers if result == "Done"} == set(VERBS)
    assert {verb for verb, result in answers if result == "Ignored"} >= {"promote", "abort", "pause", "resume"}


def test_the_config_map_has_every_script() -> None:
    data = yaml.safe_load((ACTIONS.parents[2] / "argocd-cm.yaml").read_text())["data"]
    assert "resource.customizations.actions.rollmodel.dev_DriftPolicy" in data
    key = "resource.customizations.actions.rollmodel.dev_ModelDeployment"
    actions = yaml.safe_load(data[key])
    assert actions["discovery.lua"] == (ACTIONS / "discovery.lua").read_text()
    assert {one["name"]: one["action.lua"] for one in actions["definitions"]} == {
        path.parent.name: path.read_text() for path in ACTIONS.glob("*/action.lua")
    }
    kinds = {name.rpartition("_")[2] for name in data if re.match(r"resource\.customizations\.health\.", name)}
    assert kinds == {"ModelDeployment", "TrainingJob", "DriftPolicy"}
    for kind in kinds:
        script = (ACTIONS.parents[1] / kind / "health.lua").read_text()
        assert data[f"resource.customizations.health.rollmodel.dev_{kind}"] == script
