"""Metrics of a server that is not one of our presets: counters with the usual names, which somebody has to confirm."""

from __future__ import annotations

from typing import Any

from rollmodel.cli.translate.draft import Draft

__all__ = ["measured"]

_REQUESTS, _SECONDS = "http_requests_total", "http_request_duration_seconds"


def measured(draft: Draft) -> None:
    """Presets that only our own servers know become counts. Until such series exist no candidate begins."""
    if draft.spec.get("runtime", {}).get("preset", "MLflow") != "Custom":
        return
    metrics = draft.spec.get("analysis", {}).get("metrics")
    if metrics is None:
        metrics = [{"name": "errors", "preset": "Errors"}]
    for metric in metrics:
        _counted(draft, metric)
    draft.put(metrics, "analysis", "metrics")


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
