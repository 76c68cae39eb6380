"""docs/reference/settings.md and metrics.md, made from the code: run as a module it writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.settings_help import as_markdown

from tests.support.reference.exported_metrics import certificates, policy_passes, shards

__all__ = ["PAGES", "page"]

FOLDER = Path(__file__).parents[3] / "docs" / "reference"
PAGES = ("settings", "metrics")
_SETTINGS = """\
# Settings of the operator

Environment variables of `rollmodel run`, read at start; what is not set has its default. The chart has a
[value](../../charts/rollmodel/README.md#settings-of-the-operator) for most of them. `rollmodel run --help` prints the
same. A test compares this page with the code.

"""
_METRICS = """\
# Metrics of the operator

`GET /metrics` at `ROLLMODEL_METRICS_ADDRESS`. Counters end in `_total`, histograms in `_bucket`, `_count` and `_sum`.
Alerts on them: [runbooks](../runbooks/README.md). What model servers count is another thing: see
[ADR 2](../adr/0002-the-model-server.md#names). A test compares this page with the code.

| metric | type | labels | meaning |
|---|---|---|---|
"""


def page(name: str) -> str:
    """One of ``PAGES``, whole."""
    return _SETTINGS + as_markdown() + "\n" if name == "settings" else _METRICS + "\n".join(_metrics()) + "\n"


def _metrics() -> Iterator[str]:
    instruments = Instruments()
    where = {"metadata": {"namespace": "n", "name": "x"}}
    decided = {"verdict": "Promoted", "cause": "ProvenSafe", "time": "2026-01-01T00:00:00Z"}
    evidence = {"metric": "errors", "verdict": "Undecided", "eValue": "1"}
    status = {"candidate": {"step": 0}, "history": [decided], "evidence": [evidence]}
    with instruments.pass_over("ModelDeployment"), instruments.call("registry"):
        pass
    after = {"kind": "ModelDeployment", **where, "status": status}
    instruments.on_pass("uid", {**where, "status": {}}, after, sample_age=1.0)
    policy_passes(instruments)
    certificates(instruments)
    shards(instruments)
    for family in sorted(instruments.registry.collect(), key=lambda one: one.name):
        labels = list(dict.fromkeys(label for sample in family.samples for label in sample.labels if label != "le"))
        labels = labels or _LABELS.get(family.name, [])
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield f"| `{name}` | {family.type} | {', '.join(f'`{label}`' for label in labels)} | {family.documentation} |"


#: Of those that have no series before something fails or waits.
_LABELS = {"rollmodel_neighbour_errors": ["neighbour", "reason"], "rollmodel_rollouts_waiting": ["reason"]}


if __name__ == "__main__":
    for one in PAGES:
        (FOLDER / f"{one}.md").write_text(page(one), encoding="utf-8")
