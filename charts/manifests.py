"""``config/``: the chart rendered with its defaults, for those who install with kubectl.

Rendering needs Helm, checking does not: the head of each file holds the sums of what it was made from and of itself.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["FILES", "NAMESPACE", "render", "stale"]

NAMESPACE = "rollmodel-system"
#: File in config/ -> the templates that it shows.
FILES: Mapping[str, Sequence[str]] = {
    "rbac.yaml": ("serviceaccount.yaml", "rbac.yaml", "userroles.yaml"),
    "deployment.yaml": ("deployment.yaml",),
    "examples/podmonitor.yaml": ("monitors.yaml",),
    "monitoring/prometheusrule.yaml": ("prometheusrule.yaml",),
}
#: What is off in a release, and for the examples on.
_EXAMPLES = ",".join(
    f"{value}=true"
    for value in ("metrics.models.podMonitor.enabled", "metrics.podMonitor.enabled", "prometheusRule.enabled")
)

_HEAD = "# Made from charts/rollmodel by `make manifests`. Do not edit: change the chart.\n# Sums: {source} {content}\n"
_SUMS = re.compile(r"^# Sums: (\w+) (\w+)$", re.MULTILINE)
#: What is true of a release of Helm only.
_HELMS_OWN = re.compile(r"^(# Source: .*|\s+app\.kubernetes\.io/managed-by: .*|\s+helm\.sh/chart: .*)\n", re.MULTILINE)
_SOURCE = re.compile(r"^# Source: rollmodel/templates/(\S+)\n", re.MULTILINE)


def render(chart: Path, helm: Path) -> Mapping[Path, str]:
    """File -> content. Raises CalledProcessError where Helm refuses the chart."""
    command = [str(helm), "template", "rollmodel", str(chart), "--namespace", NAMESPACE, "--set", _EXAMPLES]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    parts: dict[str, str] = {}
    for document in re.split(r"^---\n", output, flags=re.MULTILINE):
        if source := _SOURCE.search(document):
            parts[source[1]] = parts.get(source[1], "") + "---\n" + _HELMS_OWN.sub("", document).rstrip() + "\n"
    return {
        _path(chart, name): _with_head("".join(parts[one] for one in templates).removeprefix("---\n"), chart)
        for name, templates in FILES.items()
    }


def stale(chart: Path) -> list[str]:
    """What is wrong with the files as they are, in words: edited by hand, or older than the chart."""
    complaints = []
    for name in FILES:
        head, _, content = _path(chart, name).read_text(encoding="utf-8").partition("\n# Sums: ")
        sums = _SUMS.match(f"# Sums: {content}")
        body = content.partition("\n")[2]
        if not head or sums is None:
            complaints.append(f"config/{name} has no sums")
        elif sums[2] != _sum(body):
            complaints.append(f"config/{name} was edited by hand")
        elif sums[1] != _source(chart):
            complaints.append(f"config/{name} is older than the chart")
    return complaints


def _path(chart: Path, name: str) -> Path:
    return chart.parents[1] / "config" / name


def _with_head(body: str, chart: Path) -> str:
    return _HEAD.format(source=_source(chart), content=_sum(body)) + body


def _source(chart: Path) -> str:
    """The sum of all that the rendering of these files depends on."""
    templates = sorted(
        {
            *chart.glob("templates/_*.tpl"),
            *chart.glob("files/*.yaml"),
            *(chart / "templates" / one for many in FILES.values() for one in many),
        }
    )
    return _sum(
        "".join(path.read_text(encoding="utf-8") for path in (chart / "Chart.yaml", chart / "values.yaml", *templates))
    )


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
