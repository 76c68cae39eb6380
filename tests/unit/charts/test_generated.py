"""What is generated of and from the chart: that it is current, and that the check can fail."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from charts import __main__ as charts
from charts import manifests
from charts.crds import crd_templates
from charts.documents import documents
from tests.support.yaml_text import all_from_yaml, from_yaml

KINDS = ("driftpolicies", "modeldeployments", "trainingjobs")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The parts of the repository that the check reads."""
    for folder in ("charts/rollmodel", "config", "crds"):
        shutil.copytree(charts.REPOSITORY / folder, tmp_path / folder)
    return tmp_path


@pytest.fixture
def chart(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(charts, "REPOSITORY", copy)
    monkeypatch.setattr(charts, "CHART", copy / "charts" / "rollmodel")
    return copy / "charts" / "rollmodel"


def check(capsys: pytest.CaptureFixture[str]) -> str:
    """What the check says; empty where all is well."""
    code = charts.main(["--check"])
    said = capsys.readouterr().out
    assert bool(code) == bool(said)
    return said


def test_everything_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(capsys) == ""


@pytest.mark.parametrize(
    ("file", "change", "complaint"),
    [
        ("crds/modeldeployments.yaml", ("- mdep", "- mdp"), "crd-modeldeployments.yaml (generated)"),
        ("charts/rollmodel/values.yaml", ("# Labels for the pod.", "# Labels of it."), "README.md (generated)"),
        (
            "charts/rollmodel/values.yaml",
            ("replicas: 1", "replicas: 0"),
            "config/deployment.yaml is older than the chart",
        ),
        ("config/argocd/argocd-cm.yaml", ("Degraded", "Healthy"), "config/argocd/argocd-cm.yaml (generated)"),
        ("charts/rollmodel/templates/_rules.tpl", ("[list]", "[get]"), "config/rbac.yaml is older than the chart"),
        (
            "charts/rollmodel/values.schema.json",
            ("Where they are mounted.", "Where."),
            "values.schema.json (generated)",
        ),
        ("charts/rollmodel/Chart.yaml", ("appVersion: 0.1.0", "appVersion: 0.2.0"), "the operator's version is 0.1.0"),
        ("config/rbac.yaml", ("[list]", "[list, get]"), "config/rbac.yaml was edited by hand"),
        ("config/deployment.yaml", ("# Sums", "# Sum"), "config/deployment.yaml has no sums"),
    ],
)
def test_a_difference_is_told(
    chart: Path, capsys: pytest.CaptureFixture[str], file: str, change: tuple[str, str], complaint: str
) -> None:
    path = chart.parents[1] / file
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    assert complaint in check(capsys)


def test_a_template_of_a_kind_that_is_gone_is_told(chart: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (chart.parents[1] / "crds" / "driftpolicies.yaml").unlink()
    assert "crd-driftpolicies.yaml belongs to no kind" in check(capsys)


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_is_the_definition_behind_a_switch(kind: str) -> None:
    text = crd_templates(charts.REPOSITORY)[charts.CHART / "templates" / f"crd-{kind}.yaml"]
    assert text.startswith("{{- if .Values.crds.enabled }}\n")
    rendered = re.sub(r"^ *\{\{-.*\}\}\n", "", text, flags=re.MULTILINE).replace('{{ "{{" }}', "{{")
    ours = from_yaml((charts.REPOSITORY / "crds" / f"{kind}.yaml").read_text())
    theirs = from_yaml(rendered)
    assert theirs["metadata"] == {
        **ours["metadata"],
        "labels": None,
        "annotations": {"helm.sh/resource-policy": "keep"},
    }
    assert theirs["spec"] == ours["spec"]


def test_braces_of_a_definition_are_no_template(copy: Path) -> None:
    path = copy / "crds" / "driftpolicies.yaml"
    path.write_text(path.read_text() + "x: '{{ name }}'\n")
    (text,) = (one for path, one in crd_templates(copy).items() if "driftpolicies" in path.name)
    assert """x: '{{ "{{" }} name }}'""" in text


def test_a_definition_with_labels_of_its_own_is_refused(copy: Path) -> None:
    path = copy / "crds" / "driftpolicies.yaml"
    path.write_text(path.read_text().replace("metadata:\n", "metadata:\n  labels: {}\n", 1))
    with pytest.raises(ValueError, match=r"driftpolicies\.yaml: expected metadata without labels"):
        crd_templates(copy)


def test_a_readme_without_room_for_the_values_is_refused(chart: Path) -> None:
    (chart / "README.md").write_text("# Chart\n")
    with pytest.raises(ValueError, match=r"README\.md has no place for the values"):
        documents(chart)


def test_a_value_that_the_schema_does_not_know_is_refused(chart: Path) -> None:
    with (chart / "values.yaml").open("a") as file:
        file.write("# About it.\nnobody: 1\n")
    with pytest.raises(ValueError, match=r"values\.schema\.json does not know nobody"):
        documents(chart)


def test_what_is_true_of_a_release_only_is_left_out(chart: Path, tmp_path: Path) -> None:
    sources = [f"{one}" for many in manifests.FILES.values() for one in many]
    labels = "metadata:\n  labels:\n    app.kubernetes.io/managed-by: Helm\n    helm.sh/chart: x-1\n    a: b\n"
    documents_ = [
        f"---\n# Source: rollmodel/templates/{one}\nname: {one}\n{labels}" for one in [*sources, "other.yaml"]
    ]
    (tmp_path / "output").write_text("".join(documents_))
    helm = tmp_path / "helm"
    helm.write_text(f"#!/bin/sh\ncat {tmp_path}/output\n")
    helm.chmod(0o755)
    rendered = manifests.render(chart, helm)
    text = rendered[chart.parents[1] / "config" / "deployment.yaml"]
    assert from_yaml(text) == {"name": "deployment.yaml", "metadata": {"labels": {"a": "b"}}}
    both = rendered[chart.parents[1] / "config" / "rbac.yaml"]
    assert [one["name"] for one in all_from_yaml(both)] == list(manifests.FILES["rbac.yaml"])


def test_a_config_map_may_say_all_settings_of_the_plain_manifests() -> None:
    """What a container has in ``env`` goes before ``envFrom``: the names of a mirror's images would be overruled."""
    deployment = from_yaml((charts.REPOSITORY / "config/deployment.yaml").read_text())
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert [one["name"] for one in container["env"] if one["name"].startswith("ROLLMODEL_")] == []
    assert container["envFrom"][0]["configMapRef"]["name"] == "rollmodel"
