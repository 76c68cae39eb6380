"""``python -m charts [--check]``: write what is generated of and from the chart, or tell whether it is current.

Writing needs Helm, which is looked for, downloaded or built as localcluster does it; checking does not.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from rollmodel import __version__

from charts.argocd import customizations
from charts.crds import crd_templates
from charts.dashboards import dashboard_files
from charts.documents import documents
from charts.manifests import render, stale
from charts.monitoring import rule_file
from localcluster.binaries import locate

__all__ = ["main"]

REPOSITORY = Path(__file__).parents[1]
CHART = REPOSITORY / "charts" / "rollmodel"


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check; the exit code is 1 when ``--check`` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m charts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; show differences and exit with 1")
    if not parser.parse_args(argv).check:
        _write(_made())
        _write(render(CHART, locate(["helm"])["helm"]))
        return 0
    generated = _made()
    complaints = [*_differences(generated), *_orphans(generated), *stale(CHART), *_versions()]
    if complaints:
        sys.stdout.write("\n".join([*complaints, "`make manifests` writes these files.", ""]))
    return 1 if complaints else 0


def _made() -> dict[Path, str]:
    """File -> content, of all that is made without Helm."""
    return {
        **crd_templates(REPOSITORY),
        **documents(CHART),
        **customizations(REPOSITORY),
        **rule_file(REPOSITORY),
        **dashboard_files(REPOSITORY),
    }


def _write(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _differences(files: Mapping[Path, str]) -> list[str]:
    found = []
    for path, text in files.items():
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        name = path.relative_to(REPOSITORY)
        lines = difflib.unified_diff(
            present.splitlines(), text.splitlines(), f"{name} (present)", f"{name} (generated)", lineterm="", n=1
        )
        if present != text:
            found.append("\n".join(lines))
    return found


def _orphans(generated: Mapping[Path, str]) -> list[str]:
    """Templates of kinds that are no more."""
    present = set(CHART.glob("templates/crd-*.yaml"))
    return [f"{path.relative_to(REPOSITORY)} belongs to no kind" for path in sorted(present - set(generated))]


def _versions() -> list[str]:
    """The chart carries the operator's version, by hand."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    return [
        f"charts/rollmodel/Chart.yaml: {key} is {chart[key]}, the operator's version is {__version__}"
        for key in ("version", "appVersion")
        if chart[key] != __version__
    ]


if __name__ == "__main__":
    sys.exit(main())
