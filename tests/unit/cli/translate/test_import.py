"""``rollmodel import``: what it writes passes the lint, and what is lost is told."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.__main__ import main
from rollmodel.cli.lint.objects import object_problems
from rollmodel.cli.translate.command import KINDS, translated
from rollmodel.cli.translate.draft import Source, seconds
from rollmodel.cli.translate.steps import growing, thinned
from rollmodel.errors import Invalid

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yaml"))


def read(name: str) -> list[dict[str, Any]]:
    return [*yaml.safe_load_all((HERE / f"{name}.yaml").read_text(encoding="utf-8"))]


def result(name: str, place: int = 0) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    """The spec, and notes by level and path."""
    bodies = read(name)
    manifest, notes = translated(bodies[place], bodies)
    return manifest["spec"], {(note.level, note.path): note.text for note in notes}


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_what_it_writes_passes_the_lint(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["import", str(file)]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("ModelDeployment ")
    Path("made.yaml").write_text(out, encoding="utf-8")
    assert main(["lint", "made.yaml"]) == 0, capsys.readouterr().out


def test_a_rollout() -> None:
    spec, notes = result("rollout")
    assert spec["rollout"] == {
        "deadlineSeconds": 900,
        "steps": [{"weight": 5, "minSeconds": 600}, {"weight": 25}, {"pause": "Manual"}, {"weight": 60}],
    }
    assert spec["scale"] == {"replicas": 4}
    runtime = spec["runtime"]
    assert (runtime["preset"], runtime["port"], runtime["readinessPath"]) == ("Custom", 8080, "/ready")
    assert runtime["args"] == ["--workers", "2"]
    assert runtime["podTemplate"]["spec"]["containers"] == [{"name": "proxy", "image": "registry.example.com/proxy:1"}]
    assert ("missing", "spec.strategy.canary.steps[4]") in notes
    assert notes["missing", "spec.template.spec.containers[0].lifecycle"] == "has no counterpart"
    assert ("todo", "spec.traffic") in notes


def test_limits_of_templates_become_values() -> None:
    spec, notes = result("rollout")
    (errors, value) = spec["analysis"]["metrics"]
    assert value == {"name": "success-rate", "value": {"query": "sum(rate(ok[5m]))", "min": "0.95", "failureLimit": 3}}
    assert "{{ selector }}" in errors["counts"]["total"]
    assert "spec.analysis.metrics" in {path for level, path in notes if level == "todo"}


def test_a_modelcar_becomes_an_image_whose_digest_is_asked_for() -> None:
    spec, notes = result("inferenceservice", 4)
    assert spec["model"]["uri"] == f"oci://registry.example.com/team/iris:1@sha256:{'0' * 64}/models"
    assert {("todo", "spec.model.uri"), ("todo", "spec.model.digest")} <= set(notes)


def blue_green(others: list[dict[str, Any]] | None = None, **fields: Any) -> tuple[dict[str, Any], set[str]]:
    """Spec of a Rollout with ``strategy.blueGreen``, and the paths of what is missing."""
    strategy = {"blueGreen": {"activeService": "a", "previewService": "b", **fields}}
    body = {"kind": "Rollout", "metadata": {"name": "x"}, "spec": {"strategy": strategy}}
    manifest, notes = translated(body, others or [])
    assert not [*object_problems(manifest)]
    return manifest["spec"], {note.path.rpartition(".")[2] for note in notes if note.level == "missing"}


def test_blue_green() -> None:
    spec, missing = blue_green(autoPromotionEnabled=False, scaleDownDelaySeconds=300, previewReplicaCount=1)
    assert spec["rollout"] == {"strategy": "BlueGreen", "blueGreen": {"switch": "Manual"}, "bakeSeconds": 300}
    assert missing == {"previewReplicaCount"}


@pytest.mark.parametrize(
    ("fields", "step"),
    [
        ({}, None),
        ({"autoPromotionSeconds": 60}, {"previewSeconds": 60}),
        ({"autoPromotionEnabled": True, "autoPromotionSeconds": 60}, {"previewSeconds": 60}),
        # With autoPromotionEnabled: false Argo ignores the seconds.
        ({"autoPromotionEnabled": False, "autoPromotionSeconds": 60}, {"switch": "Manual"}),
    ],
)
def test_when_blue_green_switches(fields: dict[str, Any], step: dict[str, Any] | None) -> None:
    assert blue_green(**fields)[0]["rollout"].get("blueGreen") == step


def test_analyses_around_the_switch_are_taken_over_once() -> None:
    named = {"templates": [{"templateName": "success-rate"}]}
    spec, _ = blue_green(read("rollout"), prePromotionAnalysis=named, postPromotionAnalysis=named)
    assert [metric["name"] for metric in spec["analysis"]["metrics"]] == ["errors", "success-rate"]


def test_every_field_of_blue_green_is_told() -> None:
    rest = ("antiAffinity", "maxUnavailable", "activeMetadata", "previewMetadata", "scaleDownDelayRevisionLimit")
    spec, missing = blue_green(None, **{part: {"x": 1} for part in rest}, abortScaleDownDelaySeconds=9)
    assert missing == {*rest}
    assert spec["rollout"]["drainSeconds"] == 9


def test_a_canary_of_flagger_and_its_deployment() -> None:
    spec, notes = result("canary")
    assert spec["runtime"] == {"preset": "Custom", "image": "registry.example.com/churn:1", "port": 8080}
    assert spec["scale"] == {"replicas": 3}
    assert spec["traffic"] == {
        "parentRefs": [{"name": "public", "namespace": "infra"}],
        "hostnames": ["churn.example.com"],
        "requestTimeoutSeconds": 15,
    }
    assert [step["weight"] for step in spec["rollout"]["steps"]] == [10, 20, 30, 40, 50]
    errors, slow = spec["analysis"]["metrics"]
    assert errors["ceiling"] == "0.01"
    assert 'le="0.5"' in slow["counts"]["bad"]
    assert {path for level, path in notes if level == "missing"} >= {"spec.analysis.webhooks", "spec.autoscalerRef"}


def test_a_canary_without_its_deployment_says_so() -> None:
    manifest, notes = translated(read("canary")[0])
    assert "image" not in manifest["spec"].get("runtime", {})
    assert any(note.path == "spec.runtime" and "Deployment churn" in note.text for note in notes)


def flagger(**analysis: Any) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    """Rollout of a Canary with these fields of ``analysis`` and without a Gateway, and the notes."""
    body = {"kind": "Canary", "metadata": {"name": "x"}, "spec": {"analysis": {"interval": "30s", **analysis}}}
    manifest, notes = translated(body)
    assert not [*object_problems(manifest)]
    return manifest["spec"]["rollout"], {(note.level, note.path): note.text for note in notes}


def test_iterations_alone_are_blue_green_at_flagger() -> None:
    rollout, notes = flagger(iterations=10, threshold=2)
    assert rollout == {"strategy": "BlueGreen", "blueGreen": {"previewSeconds": 300}}
    assert ("kept", "spec.analysis.iterations") in notes
    assert "ceiling" in notes["todo", "spec.analysis"]


def test_mirrored_requests_are_a_shadow() -> None:
    rollout, notes = flagger(iterations=10, mirror=True)
    assert rollout == {"strategy": "Shadow", "shadow": {"percent": 100, "minSeconds": 300, "then": "Promote"}}
    assert "guessed" in notes["todo", "spec.traffic"]
    rollout, _ = flagger(mirror=True, mirrorWeight=30, stepWeight=40, maxWeight=40)
    assert rollout["shadow"] == {"percent": 30}
    assert rollout["steps"] == [{"weight": 40, "minSeconds": 30}]


def test_clients_of_one_header_are_an_ab_test() -> None:
    rollout, notes = flagger(iterations=10, match=[{"headers": {"x-canary": {"exact": "insider"}}}])
    header = {"name": "x-canary", "value": "insider"}
    assert rollout["abTest"] == {"header": header, "onNoDifference": "Promote", "horizonSeconds": 300}
    assert ("todo", "spec.rollout.abTest") not in notes
    several = [{"headers": {"user-agent": {"regex": "x"}}}, {"headers": {"cookie": {"exact": "canary"}}}]
    rollout, notes = flagger(iterations=1, match=several)
    assert (rollout["strategy"], rollout["abTest"]["horizonSeconds"]) == ("ABTest", 60)
    assert "cannot be taken over" in notes["todo", "spec.rollout.abTest"]


def test_inference_services() -> None:
    iris, notes = result("inferenceservice", 0)
    assert iris["model"]["uri"] == "s3://models/iris/1"
    assert iris["runtime"]["preset"] == "MLServer"
    assert iris["rollout"]["steps"] == [{"weight": 20}]
    assert ("todo", "spec.model.digest") in notes
    assert ("missing", "spec.predictor.maxReplicas") in notes
    old, notes = result("inferenceservice", 1)
    assert old["model"] == {"registry": {"name": "old", "alias": "challenger"}}
    assert "gs://models/iris is at a place that is not read" in notes["todo", "spec.model"]
    flowers, notes = result("inferenceservice", 3)
    assert flowers["analysis"]["metrics"] == [{"name": "errors", "preset": "Errors"}], "Triton has no latency histogram"
    assert "latency" in notes["todo", "spec.analysis.metrics"]
    own, _ = result("inferenceservice", 2)
    assert own["runtime"]["image"] == "registry.example.com/own:1"


def test_the_predictor_of_seldon_with_the_most_traffic() -> None:
    spec, notes = result("seldondeployment")
    assert spec["model"] == {"uri": "models:/income/3"}
    assert spec["runtime"] == {"preset": "MLflow"}
    assert spec["rollout"]["steps"] == [{"weight": 25}]
    assert ("missing", "spec.predictors[1]") in notes
    assert "Shadow" in notes["todo", "spec.rollout"]


def test_the_container_of_seldon_is_the_one_that_the_graph_names() -> None:
    containers = [{"name": "helper", "image": "registry.example.com/h:1"}]
    containers += [{"name": "model", "image": "registry.example.com/m:1"}]
    predictor = {"graph": {"name": "model", "type": "MODEL"}, "componentSpecs": [{"spec": {"containers": containers}}]}
    body = {"kind": "SeldonDeployment", "metadata": {"name": "x"}, "spec": {"predictors": [predictor]}}
    runtime = translated(body)[0]["spec"]["runtime"]
    assert runtime["image"] == "registry.example.com/m:1"
    assert [one["name"] for one in runtime["podTemplate"]["spec"]["containers"]] == ["helper"]


def test_a_field_that_would_be_refused_is_left_out_and_told() -> None:
    body = read("rollout")[0]
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "ROLLMODEL_X", "value": "1"}]
    manifest, notes = translated(body)
    assert "env" not in manifest["spec"]["runtime"]
    assert any(note.path == "spec.runtime.env" and "is refused" in note.text for note in notes)


def test_every_field_is_taken_or_told() -> None:
    for file in FILES:
        bodies = read(file.stem)
        for body in bodies:
            if body["kind"] in KINDS:
                body["spec"]["somethingNew"] = {"deep": [1]}
                _, notes = translated(body, bodies)
                assert ("spec.somethingNew", "missing") in {(note.path, note.level) for note in notes}


@pytest.mark.parametrize(
    ("name", "made"), [("a" * 60, "a" * 52), ("My.Model", "my-model"), ("2-models-", "models"), ("{{ it }}", "it")]
)
def test_a_name_that_ours_cannot_have_is_told(name: str, made: str) -> None:
    manifest, notes = translated({"kind": "Rollout", "metadata": {"name": name}, "spec": {}})
    assert manifest["metadata"]["name"] == made
    assert repr(name) in next(note.text for note in notes if note.path == "metadata.name")
    assert not [*object_problems(manifest)]


def test_nothing_to_translate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("apiVersion: v1\nkind: Canary\nmetadata: {name: x}\n", encoding="utf-8")
    assert main(["import", str(file)]) == 1
    assert "known are Rollout (argoproj.io)" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(data=st.data())
def test_what_is_not_as_defined_is_refused_in_words(kind: str, data: st.DataObject) -> None:
    """Any value anywhere: a manifest comes out, or a clear error."""
    odd = st.sampled_from([None, 0, -1, 200, "x", "", [], [1], {}, {"a": "b"}, True, 1.5])
    name = {"Rollout": "rollout", "Canary": "canary"}.get(kind, kind.lower())
    body = read(name)[0]
    place: Any = body["spec"]
    for _ in range(data.draw(st.integers(0, 5))):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        below = [key for key in keys if isinstance(place[key], dict | list) and place[key]]
        if not below:
            break
        place = place[data.draw(st.sampled_from(below))]
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    place[data.draw(st.sampled_from(keys))] = data.draw(odd)
    with suppress(Invalid):
        assert translated(body, read(name)[1:])[0]["kind"] == "ModelDeployment"


def test_a_field_of_another_form_is_said_in_words() -> None:
    body = read("rollout")[0]
    body["spec"]["strategy"]["canary"]["steps"] = [{"setWeight": "many"}]
    with pytest.raises(Invalid, match="Rollout churn has a field of a form that its kind does not know"):
        translated(body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1h30m", 5400), ("45s", 45), (45, 45), ("500ms", 0.5), ("2d", 172800), ("soon", None), ("", None), (True, None)],
)
def test_durations(text: Any, expected: float | None) -> None:
    assert seconds(text) == expected


def test_steps() -> None:
    assert growing([0, 10, 5, 10, 33.4, 100, 120]) == [{"weight": 10}, {"weight": 33}]
    many = thinned([{"weight": weight} for weight in range(1, 100)])
    assert len(many) == 20
    assert (many[0], many[-1]) == ({"weight": 1}, {"weight": 99})


def test_what_nobody_takes_is_left() -> None:
    source = Source({"spec": {"a": {"b": 1, "c": {"d": 2}}, "e": [{"f": 1}, {"g": 2}], "h": {}}})
    source.take("spec", "a", "b")
    source.take("spec", "e", 0)
    assert [*source.left()] == [("spec", "a", "c"), ("spec", "e", 1)]
