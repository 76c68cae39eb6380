"""Metrics that the server has: of one that is no preset of ours the usual counters, which somebody has to confirm."""

from __future__ import annotations

from typing import Any

from rollmodel.api.modeldeployment import Analysis, RuntimePreset
from rollmodel.cli.translate.draft import Draft
from rollmodel.plan.deployment.runtimes import PRESETS

__all__ = ["measured"]

_REQUESTS, _SECONDS = "http_requests_total", "http_request_duration_seconds"


def measured(draft: Draft) -> None:
    """Presets that only our own servers know become counts. Until such series exist no candidate begins."""
    preset = RuntimePreset(draft.spec.get("runtime", {}).get("preset", "MLflow"))
    if preset is not RuntimePreset.CUSTOM:
        _known(draft, preset)
        return
    metrics = draft.spec.get("analysis", {}).get("metrics")
    if metrics is None:
        metrics = [{"name": "errors", "preset": "Errors"}]
    for metric in metrics:
        _counted(draft, metric)
    draft.put(metrics, "analysis", "metrics")


def _known(draft: Draft, preset: RuntimePreset) -> None:
    """Of the metrics that are judged by default those that this server counts."""
    if "analysis" in draft.spec:
        return
    metrics = [metric for metric in Analysis().metrics if metric.preset in PRESETS[preset].measures]
    if len(metrics) == len(Analysis().metrics):
        return
    draft.put([metric.to_wire() for metric in metrics], "analysis", "metrics")
    names = ", ".join(metric.name for metric in Analysis().metrics if metric not in metrics)
    draft.todo("spec.analysis.metrics", f"{preset} does not count what {names} needs: add `counts` of your gateway")


def _counted(draft: Draft, metric: dict[str, Any]) -> None:
    match metric.pop("preset", None):
        case "Errors":
            total = f"{_REQUESTS}{{ {{{{ selector }}}} }}"
            metric["counts"] = {"bad": f'{_REQUESTS}{{ {{{{ selector }}}}, code=~"5.." }}', "total": total}
        case "SlowRequests":
            limit = metric.pop("slowerThanSeconds")
            total = f"{_SECONDS}_count{{ {{{{ selector }}}} }}"
            quick = f'{_SECONDS}_bucket{{ {{{{ selector }}}}, le="{limit}" }}'
            metric["counts"] = {"bad": f"{total} - ignoring(le) {quick}", "total": total}
        case _:
            return
    text = f"metric {metric['name']}: the names of your server's counters are guessed; no candidate begins without them"
    draft.todo("spec.analysis.metrics", text)
