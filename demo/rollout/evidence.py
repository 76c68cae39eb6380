"""How many requests met which version: asked from Prometheus, which outlives the pods that counted."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request

__all__ = ["requests_by_code"]


def requests_by_code(prometheus_url: str, namespace: str, revision: str, *, over_seconds: float) -> dict[str, int]:
    """Requests that the pods of a revision answered, by status code, since ``over_seconds`` ago."""
    selector = f'rollmodel_server_requests_total{{namespace="{namespace}",rollmodel_dev_revision="{revision}"}}'
    query = f"sum by (code) (max_over_time({selector}[{over_seconds:.0f}s]))"
    address = f"{prometheus_url}/api/v1/query?" + urllib.parse.urlencode({"query": query, "time": time.time()})
    with urllib.request.urlopen(address, timeout=10) as answer:
        result = json.load(answer)["data"]["result"]
    return {series["metric"]["code"]: round(float(series["value"][1])) for series in result}
