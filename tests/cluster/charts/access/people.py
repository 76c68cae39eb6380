"""Three people of a team, and what the API server answers each of them."""

from __future__ import annotations

import json

from localcluster import Cluster, LocalClusterError
from tests.cluster.charts.conftest import Object

__all__ = ["LEAD", "REVIEWER", "SCIENTIST", "TEAM", "People"]

TEAM = "team-admission"
#: A data scientist, a reviewer, and who looks after the team's logins.
SCIENTIST, REVIEWER, LEAD = "scientist", "reviewer", "lead"


class People:
    """Requests of somebody, in the team's namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._kubeconfigs = {who: cluster.kubeconfig_for(who) for who in (SCIENTIST, REVIEWER, LEAD)}

    def kubectl(self, who: str, *arguments: str, stdin: str | None = None) -> str:
        """Ask as somebody."""
        return self._cluster.kubectl(*arguments, "-n", TEAM, f"--kubeconfig={self._kubeconfigs[who]}", stdin=stdin)

    def write(self, who: str, spec: Object, kind: str = "ModelDeployment", *, name: str = "tried") -> str | None:
        """Try to create an object, for nothing; what the API server has against it."""
        manifest = {"apiVersion": "rollmodel.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        return self._refused(who, "create", "--dry-run=server", "-f", "-", stdin=json.dumps(manifest))

    def say(self, who: str, command: str, name: str = "churn") -> str | None:
        """Try a command, for nothing."""
        note = f"rollmodel.dev/command={command}"
        return self._refused(who, "annotate", "mdep", name, note, "--overwrite", "--dry-run=server")

    def _refused(self, who: str, *arguments: str, stdin: str | None = None) -> str | None:
        try:
            self.kubectl(who, *arguments, stdin=stdin)
        except LocalClusterError as error:
            return str(error)
        return None
