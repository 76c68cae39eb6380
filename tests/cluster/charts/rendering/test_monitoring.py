"""What the chart makes for Prometheus and Grafana."""

from __future__ import annotations

from typing import Any

import pytest

from charts.__main__ import CHART, REPOSITORY
from tests.cluster.charts.conftest import Helm
from tests.cluster.charts.rendering.matrix import EVERYTHING
from tests.cluster.charts.rendering.rendered import of_kind
from tests.support.yaml_text import from_yaml

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built


def test_the_pods_of_models_are_found_by_the_labels_that_they_carry(helm: Helm) -> None:
    golden = from_yaml((REPOSITORY / "tests/unit/plan/deployment/objects/golden/pod-triton.yaml").read_text())
    objects = helm.render({"metrics": {"models": {"podMonitor": {"enabled": True}}}})
    (monitor,) = of_kind(objects, "PodMonitor")
    wanted = {one["key"] for one in monitor["spec"]["selector"]["matchExpressions"]}
    assert wanted == set(monitor["spec"]["podTargetLabels"])
    assert wanted <= set(golden["metadata"]["labels"])
    ports = {one["name"] for one in golden["spec"]["containers"][0]["ports"]}
    assert ports <= {one["port"] for one in monitor["spec"]["podMetricsEndpoints"]}


def test_the_operators_metrics_keep_their_namespace(helm: Helm) -> None:
    """Their label `namespace` is the object's; without `honorLabels` it would be renamed for that of the pod."""
    objects = helm.render(EVERYTHING)
    (operators,) = [one for one in of_kind(objects, "PodMonitor") if one["metadata"]["name"] == "rollmodel"]
    (services,) = of_kind(objects, "ServiceMonitor")
    assert all(one["honorLabels"] for one in operators["spec"]["podMetricsEndpoints"] + services["spec"]["endpoints"])


def test_scrapes_that_are_reviewed_bring_a_token(helm: Helm) -> None:
    """The Prometheus operator knows ``authorization`` in both kinds; a file of its own only in ServiceMonitors."""
    secret = {"credentials": {"name": "scraper", "key": "token"}}
    reviewed = {"settings": {"metricsAccess": "Reviewed"}}

    def endpoints(kind: str, **values: Any) -> list[Any]:
        monitor = {kind[0].lower() + kind[1:]: {"enabled": True, **values}}
        (found,) = of_kind(helm.render({**reviewed, "metrics": monitor}), kind)
        return list(found["spec"].get("endpoints") or found["spec"]["podMetricsEndpoints"])

    (pods,) = endpoints("PodMonitor", tokenSecret={"name": "scraper"})
    (services,) = endpoints("ServiceMonitor", tokenSecret={"name": "scraper"})
    assert (pods["authorization"], services["authorization"]) == (secret, secret)
    assert "bearerTokenFile" not in {*pods, *services}
    (own,) = endpoints("ServiceMonitor")
    assert own["bearerTokenFile"] == "/var/run/secrets/kubernetes.io/serviceaccount/token"
    assert "authorization" not in own


def test_alerts_know_the_job_and_may_be_left_out(helm: Helm) -> None:
    scraped = {"metrics": {"podMonitor": {"enabled": True}}}
    (rule,) = of_kind(helm.render({**scraped, "prometheusRule": {"enabled": True}}, name="mine"), "PrometheusRule")
    everything = {one["alert"]: one for group in rule["spec"]["groups"] for one in group["rules"]}
    assert (
        'job=~"rollmodel-system/mine-rollmodel|mine-rollmodel-metrics"' in everything["RollmodelOperatorDown"]["expr"]
    )
    (of_models,) = [group for group in rule["spec"]["groups"] if group["name"] == "rollmodel-models"]
    without = ["RollmodelLoopStuck", *(one["alert"] for one in of_models["rules"])]
    values = {"enabled": True, "job": "pods", "without": without, "runbookUrl": "https://a/b/"}
    (fewer,) = of_kind(helm.render({"prometheusRule": values}), "PrometheusRule")
    names = [group["name"] for group in rule["spec"]["groups"] if group is not of_models]
    assert [group["name"] for group in fewer["spec"]["groups"]] == names  # none without rules
    left = {one["alert"]: one for group in fewer["spec"]["groups"] for one in group["rules"]}
    assert set(left) == set(everything) - set(without)
    assert all(one["annotations"]["runbook_url"] == f"https://a/b/{name}.md" for name, one in left.items())


def test_dashboards_are_what_the_files_say(helm: Helm) -> None:
    pages = of_kind(helm.render({"dashboards": {"enabled": True}}), "ConfigMap")
    files = {f"rollmodel-{path.name}": path.read_text() for path in (CHART / "files" / "dashboards").iterdir()}
    assert {name: text for page in pages for name, text in page["data"].items()} == {
        name: text.rstrip("\n") for name, text in files.items()
    }
    assert all(page["metadata"]["labels"]["grafana_dashboard"] == "1" for page in pages)
