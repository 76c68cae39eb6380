"""``rollmodel lint FILE``: findings with file and line, exit codes, references within the files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml
from rollmodel.__main__ import main

ROOT = Path(__file__).parents[4]
HEAD = "apiVersion: rollmodel.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: %s, namespace: prod}\nspec:\n"
MODEL = "  model: {registry: {name: churn, alias: %s, championAlias: champion}}\n"
GOOD = HEAD % "churn" + MODEL % "challenger"

Lint = Callable[..., tuple[int, str]]


@pytest.fixture
def lint(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lint:
    """Exit code and output of the command for these YAML documents in one file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*documents: str, options: Sequence[str] = ()) -> tuple[int, str]:
        Path("all.yaml").write_text("---\n".join(documents))
        code = main(["lint", "all.yaml", *options])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def test_nothing_wrong(lint: Lint) -> None:
    assert lint(GOOD) == (0, "1 object: nothing wrong\n")


def test_an_error_has_its_line(lint: Lint) -> None:
    code, said = lint(GOOD, GOOD.replace("name: churn,", "name: other,") + "  rollout:\n    steps: [{weight: 0}]\n")
    assert code == 1
    assert said.splitlines() == [
        "all.yaml:13: error: ModelDeployment other: spec.rollout.steps[0].weight: should be greater than or equal to 1",
        "2 objects: 1 error",
    ]


def test_a_rule_about_something_of_another_type_is_an_error_too(lint: Lint) -> None:
    containers = "{containers: [{name: 0}, {name: 1, image: a}]}"
    code, said = lint(GOOD + "  runtime:\n    podTemplate:\n      spec: " + containers + "\n")
    assert code == 1
    assert said.splitlines()[-1].startswith("1 object: ")
    assert "spec.runtime.podTemplate.spec" in said


def test_output_for_programs(lint: Lint) -> None:
    bad = GOOD + "  suspend: true\n"
    _, as_json = lint(bad, options=["-o", "json"])
    _, as_yaml = lint(bad, options=["-o", "yaml"])
    assert json.loads(as_json) == yaml.safe_load(as_yaml)
    (found,) = json.loads(as_json)["findings"]
    assert (found["level"], found["place"], found["path"]) == ("error", "all.yaml:6", "spec.suspend")


def test_a_field_that_is_written_twice(lint: Lint) -> None:
    code, said = lint(GOOD + "  scale: {replicas: 1}\n  scale: {replicas: 2}\n")
    assert code == 1
    assert "spec.scale: is written twice: all but the last are lost" in said


def test_a_date_is_a_text_as_for_kubectl(lint: Lint) -> None:
    env = "  runtime: {env: [{name: DAY, value: 2026-01-01}]}\n"
    assert lint(GOOD + env)[0] == 0


@pytest.mark.parametrize("text", ["{", "kind: Secret\napiVersion: v1\nmetadata: {name: a}\n", ""])
def test_files_that_cannot_be_used(lint: Lint, text: str) -> None:
    code, said = lint(text)
    assert code == 2
    assert said.startswith("rollmodel lint: ")


def test_a_file_that_is_not_there(lint: Lint) -> None:
    assert main(["lint", "nowhere.yaml"]) == 2


def test_what_the_operator_refuses_later(lint: Lint) -> None:
    query = '  analysis: {metrics: [{name: cost, value: {query: "up{ {{ selectr }} }", max: "1"}}]}\n'
    code, said = lint(GOOD + query)
    assert code == 1
    assert "spec.analysis.metrics[0]: metric 'cost': 'selectr' is not one of" in said


def test_a_preset_that_cannot_measure(lint: Lint) -> None:
    runtime = "  runtime: {preset: Custom, image: a}\n  analysis: {metrics: [{name: errors, preset: Errors}]}\n"
    assert "spec.analysis.metrics[0]: metric 'errors':" in lint(GOOD + runtime)[1]


def test_what_must_not_be_laid_over_pods(lint: Lint) -> None:
    overlay = "  runtime: {podTemplate: {spec: {containers: [{name: model, image: other}]}}}\n"
    code, said = lint(GOOD + overlay)
    assert code == 1
    assert "spec.runtime: `runtime.podTemplate`.spec.containers[model].image: is set by the operator" in said


def test_a_schedule_that_is_never_due(lint: Lint) -> None:
    job = HEAD.replace("ModelDeployment", "TrainingJob") % "nightly" + "  template: {image: a}\n"
    code, said = lint(job + '  schedule: {cron: "0 3 31 2 *"}\n')
    assert code == 1
    assert "spec.schedule: schedule.cron '0 3 31 2 *'" in said


def test_two_with_one_address(lint: Lint) -> None:
    traffic = "  traffic: {parentRefs: [{name: public}], hostnames: [a.example.com]}\n"
    second = HEAD % "other" + "  model: {registry: {name: other, alias: challenger}}\n" + traffic
    code, said = lint(GOOD + traffic, second)
    assert code == 1
    assert "ModelDeployment other: spec.traffic: prod/public a.example.com/ is also that of prod/churn" in said


def test_two_that_move_one_alias(lint: Lint) -> None:
    code, said = lint(GOOD, HEAD % "other" + MODEL % "candidate")
    assert (code, "warning: ModelDeployment other: spec.model.registry.championAlias:" in said) == (0, True)
    assert lint(GOOD, HEAD % "other" + MODEL % "candidate", options=["--strict"])[0] == 1


def test_the_same_object_twice(lint: Lint) -> None:
    code, said = lint(GOOD, GOOD)
    assert code == 1
    assert "the same object is in all.yaml:3" in said


def test_a_policy_for_a_model_that_is_not_there(lint: Lint) -> None:
    policy = HEAD.replace("ModelDeployment", "DriftPolicy") % "churn" + "  modelDeploymentRef: {name: chrun}\n"
    code, said = lint(GOOD, policy)
    assert code == 0
    assert "spec.modelDeploymentRef: ModelDeployment 'chrun' is not in these files; there is churn" in said


def test_objects_of_others_are_asked_for_only_where_there_are_some(lint: Lint) -> None:
    wanted = GOOD.replace("  model: {", "  model: {connectionRef: {name: login}, ")
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: prod}\n"
    assert lint(wanted)[1] == "1 object: nothing wrong\n"
    assert "Secret 'login' is not in these files; there is logn" in lint(wanted, secret % "logn")[1]
    assert lint(wanted, secret % "login")[1] == "1 object: nothing wrong\n"


def test_the_examples_are_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(ROOT / "examples")]) == 0, capsys.readouterr().out


def test_the_reference_shows_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()
    steps = "  rollout:\n    steps:\n      - {weight: 5}\n      - {weight: 100}\n"
    metrics = "  analysis:\n    intervalSeconds: 15\n    metrics:\n      - {name: slow, preset: SlowRequests}\n"
    monkeypatch.chdir(tmp_path)
    Path("churn.yaml").write_text(GOOD + steps + metrics)
    assert main(["lint", "churn.yaml"]) == 1
    assert f"$ rollmodel lint churn.yaml\n{capsys.readouterr().out}```" in page


ROUTE = "  traffic: {parentRefs: [{name: public}]}\n"
PACE = ["--rps", "100", "--scrape-interval", "15", "--scrape-interval", "60"]


def test_how_long_the_policy_takes(lint: Lint) -> None:
    code, said = lint(GOOD + ROUTE, options=PACE)
    title, headings, *rows = said.splitlines()[2:]
    assert code == 0
    assert title == (
        "ModelDeployment churn at 100 requests/s, of which the candidate gets 5 % at its first step;"
        " stable fails 0.5 %:"
    )
    assert headings.split("  ")[0] == "SCRAPE"
    assert [row.split()[4] for row in rows] == ["errors", "latency"] * 2
    (found,) = json.loads(lint(GOOD + ROUTE, options=[*PACE, "-o", "json"])[1])["decisions"]
    quick, slow = found["scrapeIntervals"]
    assert (quick["windowSeconds"], slow["windowSeconds"]) == (30, 120)
    assert quick["metrics"][0]["foundSeconds"]["2"] < quick["metrics"][0]["provenSafeSeconds"]
    assert quick["allTrafficSeconds"] > quick["metrics"][0]["provenSafeSeconds"]


def test_a_step_that_ends_before_anything_can_be_known(lint: Lint) -> None:
    steps = "  rollout:\n    steps:\n      - {weight: 5, maxSeconds: 300}\n"
    code, said = lint(GOOD + ROUTE + steps, options=["--rps", "100"])
    assert code == 0
    assert "all.yaml:9: warning: ModelDeployment churn: spec.rollout.steps[0].maxSeconds: at 100 requests/s" in said
    assert "after 5 min `onUndecided: Pause` decides" in said
    assert "warning" not in lint(GOOD + ROUTE + steps, options=["--rps", "10000"])[1]


def test_the_table_of_the_docs_is_what_is_printed(lint: Lint, capsys: pytest.CaptureFixture[str]) -> None:
    """As ``python -m rollmodel lint churn.yaml --rps 100`` prints it for the defaults behind a Gateway."""
    page = (ROOT / "docs" / "concepts" / "evidence.md").read_text()
    _, said = lint(GOOD + ROUTE, options=["--rps", "100"])
    assert f"$ rollmodel lint churn.yaml --rps 100\n{said}```" in page


@pytest.mark.parametrize("options", [["--rps", "0"], ["--rps", "many"], ["--bad-share", "0.9"]])
def test_numbers_that_cannot_be(lint: Lint, options: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        lint(GOOD, options=options)
    assert ended.value.code == 2


def test_rules_of_rollouts_are_read_as_the_operator_reads_them(lint: Lint) -> None:
    example = (ROOT / "examples" / "coordination.yaml").read_text()
    assert lint(example) == (0, "2 objects: nothing wrong\n")
    code, said = lint(example.replace("maxRollouts: 10 ", "maxRolouts: 10 "))
    assert code == 1
    assert "all.yaml:9: error: ConfigMap rollmodel-coordination: data.rules.yaml: `limits[0].maxRollouts`" in said
    assert lint("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n")[0] == 2
