"""Who may read the metrics, judged by a real API server with the roles that the chart makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.reviews import Reviews
from rollmodel.runtime.metrics.scrapers import Scrapers

from localcluster import Cluster
from localcluster.binaries import locate
from tests.support.eventually import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

CHART = Path(__file__).parents[3] / "charts" / "rollmodel"
ACCOUNT = "system:serviceaccount:rollmodel-system:rollmodel"


def roles() -> str:
    """What the chart makes for this setting."""
    command = [str(locate(["helm"])["helm"]), "template", "rollmodel", str(CHART), "-n", "rollmodel-system"]
    command += ["--show-only", "templates/metricsaccess.yaml", "--set", "settings.metricsAccess=Reviewed"]
    return subprocess.check_output(command, text=True)


async def test_only_who_may_get_metrics_reads_them(cluster: Cluster, crds: Path, namespace: str) -> None:
    assert {one["kind"] for one in yaml.safe_load_all(roles())} == {"ClusterRole", "ClusterRoleBinding"}
    cluster.kubectl("apply", "-f", "-", stdin=roles())
    for name in ("prometheus", "stranger"):
        cluster.kubectl("create", "serviceaccount", name, "-n", namespace)
    binding = ["create", "clusterrolebinding", f"metrics-{namespace}", "--clusterrole=rollmodel-metrics-reader"]
    cluster.kubectl(*binding, f"--serviceaccount={namespace}:prometheus")
    token = {
        name: cluster.kubectl("create", "token", name, "-n", namespace).strip() for name in ("prometheus", "stranger")
    }
    kubeconfig = cluster.kubeconfig_for(ACCOUNT, ["system:serviceaccounts", "system:authenticated"])
    api = await ApiServer.connect(str(kubeconfig))
    try:

        async def answer() -> int:
            return await Scrapers(Reviews(api)).judge(f"Bearer {token['prometheus']}", "/metrics")

        await eventually(answer, lambda status: status == 200, "who is bound to the role may read")
        guard = Scrapers(Reviews(api))
        assert await guard.judge(f"Bearer {token['stranger']}", "/metrics") == 403
        assert await guard.judge("Bearer nonsense", "/metrics") == 401
        assert await guard.judge(f"Bearer {token['prometheus']}", "/logs") == 403
    finally:
        await api.close()
        cluster.kubectl("delete", "clusterrolebinding", f"metrics-{namespace}")
