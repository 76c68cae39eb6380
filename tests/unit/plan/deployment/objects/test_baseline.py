"""The revision of a baseline: stable's, under another name."""

from __future__ import annotations

from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.baseline import baseline_id, baseline_revision
from rollmodel.plan.deployment.objects.revision import wanted

from tests.support.simulation.rollouts import DEFAULTS, model, spec

LABEL = {naming.REVISION: "other222"}


def test_each_pair_has_a_name_of_its_own() -> None:
    names = {baseline_id(*pair) for pair in (("a", "b"), ("b", "a"), ("a", "c"), ("ab", ""))}
    assert len(names) == 4
    assert baseline_id("bcdf2345", "ghjk6789") == "bp5pnqkt"  # it is in clusters: it never changes


def test_only_the_label_of_the_revision_differs() -> None:
    asked = spec(
        runtime={"predictionLog": {}, "podTemplate": {"metadata": {"labels": {"team": "fraud"}}}},
        analysis={"metrics": []},
    )
    stable = wanted("churn", asked, model("1"), DEFAULTS)
    fresh = baseline_revision(stable, "other222")
    before, after = stable.template, fresh.template
    assert after["metadata"]["labels"] == {**before["metadata"]["labels"], **LABEL}
    assert after["spec"]["containers"] == before["spec"]["containers"]
    spread = [one["labelSelector"]["matchLabels"] for one in after["spec"]["topologySpreadConstraints"]]
    assert all(labels.items() >= LABEL.items() for labels in spread)
    assert (fresh.digest, fresh.model_version, fresh.label) == (stable.digest, "1", "v1")
    assert before["metadata"]["labels"][naming.REVISION] == stable.id
