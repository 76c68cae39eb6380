"""What the pages say, and that what objects say stays text."""

from __future__ import annotations

import copy
import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from rollmodel.cli.dashboard.judge_history import JudgeHistory
from rollmodel.cli.dashboard.live import Live
from rollmodel.cli.dashboard.overview import sections
from rollmodel.cli.dashboard.pages import Pages, script, style

from tests.support.simulation.fleet import HOSTILE, NAMESPACE
from tests.unit.cli.dashboard.conftest import NOW

Fleet = tuple[Live, JudgeHistory]
PAGES = Pages("/secret/", None, "https://mlflow.example.com/")


class _Read(HTMLParser):
    """Tags and attributes, and whether everything that is opened is closed in order."""

    VOID = frozenset({"meta", "link", "br", "input", "rect", "line", "polyline", "polygon", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in self.VOID or self.open.pop() == tag, (tag, self.open)


def read(text: str) -> _Read:
    reader = _Read()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def page(fleet: Fleet, kind: str, name: str, namespace: str = NAMESPACE, **more: Any) -> str:
    live, history = fleet
    manifest = live.objects[kind, namespace, name]
    return PAGES.of_object(manifest, live, history.moments(manifest), NOW, **more)


def all_pages(fleet: Fleet) -> dict[str, str]:
    live, history = fleet
    found = {"overview": PAGES.overview(live, NOW), "absent": PAGES.absent("TrainingJob", "a", HOSTILE, NOW)}
    for key, manifest in live.objects.items():
        found["/".join(key)] = PAGES.of_object(manifest, live, history.moments(manifest), NOW)
    return found


def test_what_needs_somebody_comes_first(everything: Fleet) -> None:
    models, trainings, policies = sections(everything[0], NOW)
    assert [(line.name, line.level) for line in models.lines] == [
        ("fraud", "bad"),
        ("odd", "bad"),
        ("ranking", "bad"),
        ("churn", "busy"),
        ("new-one", "new"),
        ("tumour-screening", "good"),
    ]
    assert models.counts == [("bad", 3), ("busy", 1), ("new", 1), ("good", 1)]
    assert [(line.name, line.level) for line in trainings.lines] == [
        ("churn-biased", "bad"),
        ("churn-next", "busy"),
        ("churn-nightly", "good"),
    ]
    assert [line.level for line in policies.lines] == ["look"]
    assert policies.problem == "the Kubernetes API did not answer"


def test_the_overview_shows_who_has_traffic(everything: Fleet) -> None:
    models = sections(everything[0], NOW)[0]
    shares = {line.name: [(one.role, one.name, one.weight) for one in line.shares] for line in models.lines}
    assert shares["churn"] == [("stable", "v1", 50), ("candidate", "v2", 50)]
    assert shares["tumour-screening"] == [("stable", "v2", 100)]
    text = PAGES.overview(everything[0], NOW)
    assert 'href="/secret/models/prod/churn"' in text
    assert "v2 50 %" in text


def test_a_column_that_nobody_fills_is_left_out(everything: Fleet) -> None:
    trainings = sections(everything[0], NOW)[1]
    assert "Queue" not in trainings.headings
    assert all(len(line.cells) == len(trainings.headings) for line in trainings.lines)


def test_a_rollout_with_its_evidence_over_time(everything: Fleet) -> None:
    text = page(everything, "ModelDeployment", "churn")
    assert text.count("<polyline") >= 4
    assert re.search(r'<li class="done">start</li>\s*<li class="done">10 %</li>\s*<li class="now"', text)
    assert "evidence" in text
    assert "rollmodel promote churn -n prod" in text
    assert "rollmodel retry" not in text
    assert "Charts begin" not in text


def test_without_a_past_it_is_said_when_charts_begin(everything: Fleet) -> None:
    live, _ = everything
    text = PAGES.of_object(live.objects["ModelDeployment", NAMESPACE, "churn"], live, (), NOW)
    assert "Charts begin" in text
    assert "<polyline" not in text


def test_after_a_rollback(everything: Fleet) -> None:
    text = page(everything, "ModelDeployment", "fraud")
    assert "2, 1 stays" in text
    assert '<span class="badge bad">RolledBack</span>' in text
    assert "rollmodel retry fraud -n prod" in text
    assert "<polyline" in text, "what was seen of it is still drawn"
    assert re.search(r'errors\s*<small class="Harmful">', text), "the verdict is that of the status"
    assert "to go" not in text


def test_what_belongs_together_is_linked(everything: Fleet) -> None:
    assert 'href="/secret/trainings/prod/churn-nightly"' in page(everything, "ModelDeployment", "churn")
    assert 'href="/secret/policies/prod/churn"' in page(everything, "ModelDeployment", "churn")
    training = page(everything, "TrainingJob", "churn-nightly")
    assert 'href="/secret/models/prod/churn"' in training
    assert "its version is candidate in" in training
    policy = page(everything, "DriftPolicy", "churn")
    assert 'href="/secret/trainings/prod/churn-next"' in policy
    assert 'href="/secret/policies/prod/churn"' in page(everything, "TrainingJob", "churn-next")


def test_a_training(everything: Fleet) -> None:
    text = page(everything, "TrainingJob", "churn-biased")
    assert "between slices &#39;north&#39; and &#39;south&#39;" in text
    assert 'href="https://mlflow.example.com/#/experiments/3/runs/0af7651916cd43dd8448eb211c80319c"' in text
    assert "rollmodel logs tjob/churn-biased -n prod" in text
    assert "rollmodel logs -f tjob/churn-next" in page(everything, "TrainingJob", "churn-next")


def test_an_address_of_mlflow_that_is_none_is_no_link(everything: Fleet) -> None:
    live, _ = everything
    pages = Pages("/secret/", None, "javascript:alert(1)//")
    text = pages.of_object(live.objects["TrainingJob", NAMESPACE, "churn-next"], live, (), NOW)
    assert "javascript:" not in text
    assert "0af7651916cd43dd8448eb211c80319c (RUNNING)" in text


def test_a_policy(everything: Fleet) -> None:
    text = page(everything, "DriftPolicy", "churn")
    for words in ("Drifted (Severe)", "mean 40 → 46", "96, 4 of them called drift at 5 %", "Insufficient"):
        assert words in text


def test_a_status_of_another_version_is_said(everything: Fleet) -> None:
    text = page(everything, "ModelDeployment", "odd", problem="Prometheus is away")
    assert "status.stable.revision of odd cannot be read" in text
    assert "Prometheus is away" in text


def test_texts_of_objects_never_act(everything: Fleet) -> None:
    for name, text in all_pages(everything).items():
        tags = read(text).tags
        scripts = [attributes for tag, attributes in tags if tag == "script"]
        assert [one["src"] for one in scripts] == ["/secret/page.js"], name
        assert [tag for tag, _ in tags if tag in {"img", "iframe", "object", "form"}] in ([], ["form"]), name
        assert not [key for _, attributes in tags for key in attributes if key.startswith("on") or key == "style"]
        assert "\u202e" not in text
    assert "&lt;script&gt;" in page(everything, "ModelDeployment", "ranking", "research")


def test_nothing_is_loaded_from_elsewhere(everything: Fleet) -> None:
    for name, text in all_pages(everything).items():
        for tag, attributes in read(text).tags:
            target = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
            assert target is None or target.startswith(("/secret/", "data:,")), (name, target)
    assert not re.search(r"https?:|@import|url\(", style() + script())


def test_labels_of_small_screens_are_those_of_the_headings(everything: Fleet) -> None:
    for text in all_pages(everything).values():
        for block in re.findall(r"<table.*?</table>", text, re.DOTALL):
            headings = set(re.findall(r'<th scope="col">([^<]+)</th>', block))
            assert set(re.findall(r'data-label="([^"]+)"', block)) <= headings


@pytest.mark.slow
def test_a_thousand_models_are_one_page_that_is_made_at_once(everything: Fleet) -> None:
    """Limits with room: measured are 0.6 MiB and half a second of CPU."""
    many = Live(everything[0]._server, None)
    models = [one for (kind, _, _), one in everything[0].objects.items() if kind == "ModelDeployment"]
    for number in range(1000):
        manifest: dict[str, Any] = dict(copy.deepcopy(models[number % len(models)]))
        manifest["metadata"] |= {"name": f"model-{number}", "namespace": f"team-{number % 50}", "uid": f"{number}"}
        many.objects["ModelDeployment", manifest["metadata"]["namespace"], manifest["metadata"]["name"]] = manifest
    begun = time.process_time()
    text = PAGES.overview(many, NOW)
    assert time.process_time() - begun < 5
    assert len(text) < 1_000_000
    lines = [attributes for tag, attributes in read(text).tags if tag == "tr" and "data-words" in attributes]
    assert len(lines) == 1000
