"""What a user does, on a cluster that we know nothing about: install, then the three acts of the demo."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.target import Target

pytestmark = pytest.mark.e2e
REPOSITORY = Path(__file__).parents[2]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def test_the_cluster_accepts_every_manifest_that_we_ship(target: Target) -> None:
    kubectl = (str(target.kubectl), "--kubeconfig", target.kubeconfig)
    run(*kubectl, "apply", "--server-side", "-f", "crds", "-f", "config/namespace.yaml")
    accepted = run(*kubectl, "apply", "--server-side", "--dry-run=server", "-k", ".")
    assert accepted.count("serverside-applied") == 8


def test_a_good_version_is_promoted_and_a_bad_one_rolled_back(target: Target) -> None:
    where = ("--mlflow-url", target.mlflow_url, "--prometheus-url", target.prometheus_url)
    told = run(
        sys.executable, "-m", "demo", "--kubeconfig", target.kubeconfig, *where, "--gateway-url", target.gateway_url
    )
    assert "all outcomes observed" in told
