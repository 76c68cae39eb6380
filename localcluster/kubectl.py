"""Runs kubectl as the cluster's administrator."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from localcluster.errors import LocalClusterError
from localcluster.site import Site

__all__ = ["apply", "kubectl"]

_SECONDS = 120


def kubectl(site: Site, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl and return its output. Raises :class:`LocalClusterError` with what it said if it fails."""
    environment = {**os.environ, "KUBECONFIG": str(site.kubeconfig), "KUBECACHEDIR": str(site.root / "kubectl-cache")}
    answer = subprocess.run(
        [site.binaries["kubectl"], *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment,
        timeout=_SECONDS,
        check=False,
    )
    if answer.returncode:
        raise LocalClusterError(f"kubectl {' '.join(arguments)}: {answer.stderr.strip()}")
    return answer.stdout


def apply(site: Site, manifest: Path) -> None:
    """Apply a file, or a folder of files. Raises :class:`LocalClusterError`."""
    kubectl(site, "apply", "--server-side", "--force-conflicts", "-f", str(manifest))
