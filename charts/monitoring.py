"""``config/monitoring/rules.yaml``: the chart's alerts as a rule file, for a Prometheus without its operator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["rule_file"]

_HEAD = """# Made from charts/rollmodel/files/alerts.yaml by `make manifests`. Do not edit.
# Load it with `rule_files` in prometheus.yml; scrape the operator as a job with "rollmodel" in its name, and with
# `honor_labels: true`: its metrics have a label `namespace`, of the object that they are about.
"""
#: What an installation that the chart knows nothing about probably calls the job.
_JOB, _RUNBOOKS = ".*rollmodel.*", "docs/runbooks"


def rule_file(repository: Path) -> Mapping[Path, str]:
    """File -> content."""
    source = (repository / "charts" / "rollmodel" / "files" / "alerts.yaml").read_text(encoding="utf-8")
    body = "".join(line for line in source.splitlines(keepends=True) if not line.startswith("#"))
    filled = body.replace("__JOB__", _JOB).replace("__RUNBOOKS__", _RUNBOOKS)
    return {repository / "config" / "monitoring" / "rules.yaml": _HEAD + filled}
