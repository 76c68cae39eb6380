"""The shipped role, compared with the audit log in both directions: no right is missing, and none is left unused.

The operator runs as a user of its own, bound to the ClusterRole of ``config/rbac.yaml``, and lives through everything
that needs a right. What a kind is read for one by one (``get``) is rare: an object after a failed pass, a child whose
name is taken or that lost the label by which it is watched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcluster import Cluster, LocalClusterError
from localcluster.binaries import GATEWAY_API, locate
from tests.support.eventually import eventually
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rights import Rights, complaints
from tests.support.yaml_text import all_from_yaml

pytestmark = pytest.mark.cluster

RBAC = Path(__file__).parents[3] / "config" / "rbac.yaml"
USER = "rights-of-the-operator"
OURS = "rollmodel.dev/v1alpha1"
REVISIONS = 8
"""More than the records that are kept of former revisions."""
OWN_KINDS: dict[str, dict[str, Any]] = {
    "ModelDeployment": {
        "model": {"uri": "s3://bucket/churn", "digest": f"sha256:{'f' * 64}"},
        "scale": {
            "replicas": 0,
            "autoscaling": {"maxReplicas": 2, "metrics": [{"cpu": {"averageValue": "1"}}]},
            "maxUnavailable": 1,
        },
        "rollout": {"drainSeconds": 0},
    },
    "TrainingJob": {"template": {"image": "registry.example.com/churn:1"}},
    "DriftPolicy": {"modelDeploymentRef": {"name": "churn"}},
}

COUNTED = {"modelDeploymentRef": {"name": "churn"}, "source": {"counts": {"configMapRef": {"name": "counts"}}}}
HOST = "churn.test"
SHORT = {"deadlineSeconds": 1, "ttlSecondsAfterFinished": 0}
CHILDREN = {
    "controllerrevisions": "apps",
    "deployments": "apps",
    "services": "",
    "httproutes": "gateway.networking.k8s.io",
    "horizontalpodautoscalers": "autoscaling",
    "poddisruptionbudgets": "policy",
}


class Stage:
    """One namespace, and what a person does there."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self._rights, self._offset = Rights(), 0

    def create(self, kind: str, name: str, *, api_version: str = OURS, **fields: Any) -> None:
        """Create an object; one of our kinds has a small spec unless given."""
        fields = {"spec": OWN_KINDS.get(kind), **fields}
        manifest = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}
        self.cluster.kubectl("create", "-n", self.namespace, "-f", "-", stdin=json.dumps(manifest))

    async def names(self, kind: str) -> list[str]:
        """The children of one kind that the ModelDeployment has and that are watched."""
        selector = "rollmodel.dev/model-deployment=churn,rollmodel.dev/managed-by"
        return self.cluster.kubectl("get", kind, "-n", self.namespace, "-l", selector, "-o", "name").split()

    def patch(self, what: str, change: dict[str, Any]) -> None:
        """Merge into an object."""
        self.cluster.kubectl("patch", what, "-n", self.namespace, "--type=merge", "-p", json.dumps(change))

    async def tried(self) -> str:
        """The digest of the model that the ModelDeployment's candidate has."""
        path = "jsonpath={.status.candidate.digest}"
        return self.cluster.kubectl("get", "modeldeployment/churn", "-n", self.namespace, "-o", path)

    async def route(self) -> str:
        """The first host name of the route."""
        path = "jsonpath={.spec.hostnames[0]}"
        return self.cluster.kubectl("get", "httproute/churn", "-n", self.namespace, "-o", path)

    def clear(self) -> None:
        """Delete what was created, and wait until it is gone."""
        kinds = "modeldeployments,trainingjobs,driftpolicies"
        self.cluster.kubectl("delete", kinds, "-n", self.namespace, "--all")
        policy = "validatingadmissionpolicy,validatingadmissionpolicybinding"
        self.cluster.kubectl("delete", policy, self.namespace)

    async def refuses(self) -> bool:
        """Whether the policy of :func:`fail_first` is in force."""
        probe = {
            "apiVersion": OURS,
            "kind": "DriftPolicy",
            "metadata": {"name": "probe"},
            "spec": OWN_KINDS["DriftPolicy"],
        }
        try:
            self.cluster.kubectl("create", "-n", self.namespace, "--dry-run=server", "-f", "-", stdin=json.dumps(probe))
        except LocalClusterError as error:
            return "denied request" in str(error)
        return False

    async def rights(self) -> Rights:
        """Everything that the operator has asked for until now."""
        with self.cluster.audit_log.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                if f'"username":"{USER}"'.encode() in line:
                    self._rights.take(json.loads(line))
        return self._rights

    async def until_used(self, *right: str) -> None:
        """Wait until the operator has made use of a right. Fails at once where it was refused anything."""
        seen = await eventually(self.rights, lambda seen: right in seen.used or seen.refused, f"{right} is used")
        assert not seen.refused


@pytest.fixture
def role(cluster: Cluster, crds: Path) -> dict[str, Any]:
    """The shipped role, bound to the user whose requests are looked at."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(locate([GATEWAY_API])[GATEWAY_API]))
    cluster.kubectl("wait", "--for=condition=Established", "crd/httproutes.gateway.networking.k8s.io")
    found: dict[str, Any] = next(one for one in all_from_yaml(RBAC.read_text()) if one["kind"] == "ClusterRole")
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": USER}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}
    binding = {"kind": "ClusterRoleBinding", "roleRef": reference, "subjects": [subject]}
    for manifest in (found, binding):
        named = {"apiVersion": "rbac.authorization.k8s.io/v1", **manifest, "metadata": {"name": USER}}
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(named))
    return found


@pytest.fixture
def process(cluster: Cluster, role: dict[str, Any], namespace: str, tmp_path: Path) -> Iterator[OperatorProcess]:
    """The operator, as that user, in this namespace only: what others left elsewhere needs rights of its own."""
    cluster.ensure("mlflow")
    settings = {"REGISTRY_URL": cluster.mlflow_url, "LOG_FORMAT": "text", "NAMESPACES": namespace}
    kubeconfig = cluster.kubeconfig_for(USER, ["system:authenticated"])
    process = OperatorProcess(cluster, kubeconfig, tmp_path / "log", settings)
    yield process
    process.stop()


@pytest.fixture
def stage(cluster: Cluster, namespace: str) -> Stage:
    return Stage(cluster, namespace)


async def fail_first(stage: Stage) -> None:
    """Each of our kinds fails in its first pass, since its status is not taken, and is read again before the next.

    That one finds the finalizer of an earlier release.
    """
    expression = "object.metadata.name != (has(request.subResource) ? 'doubted' : 'probe')"
    rule = {
        "apiGroups": ["rollmodel.dev"],
        "apiVersions": ["*"],
        "resources": ["*/*"],
        "operations": ["CREATE", "UPDATE"],
    }
    policy = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": expression}]}
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}}}
    binding = {"policyName": stage.namespace, "validationActions": ["Deny"], "matchResources": here}
    for kind, spec in (("ValidatingAdmissionPolicy", policy), ("ValidatingAdmissionPolicyBinding", binding)):
        stage.create(kind, stage.namespace, api_version="admissionregistration.k8s.io/v1", spec=spec)
    await eventually(stage.refuses, bool, "the policy is in force")
    for kind in OWN_KINDS:
        stage.create(kind, "doubted")
        plural = f"{kind.lower()}s".replace("ys", "ies")
        await stage.until_used("rollmodel.dev", plural, "get")
        stage.patch(f"{plural}/doubted", {"metadata": {"finalizers": ["rollmodel.dev/finalizer"]}})
        await stage.until_used("rollmodel.dev", plural, "patch")


async def deploy(stage: Stage) -> None:
    """A ModelDeployment whose children are edited and lose their label; it has many revisions, and no route at last."""
    traffic = {"parentRefs": [{"name": "public"}], "hostnames": [HOST]}
    stage.create("ModelDeployment", "churn", spec={**OWN_KINDS["ModelDeployment"], "traffic": traffic})
    await stage.until_used("gateway.networking.k8s.io", "httproutes", "create")
    stage.create("DriftPolicy", "counted", spec=COUNTED)
    await stage.until_used("", "configmaps", "get")
    for _ in range(2):  # the same Event twice
        stage.patch("httproute/churn", {"spec": {"hostnames": ["elsewhere.test"]}})
        await eventually(stage.route, HOST.__eq__, "the route is put right")
    for kind, group in CHILDREN.items():
        for name in await stage.names(kind):
            stage.patch(name, {"metadata": {"labels": {"rollmodel.dev/managed-by": None}}})
        await stage.until_used(group, kind, "get")
    for number in range(REVISIONS):
        digest = f"sha256:{number:064}"
        stage.patch("modeldeployment/churn", {"spec": {"model": {"digest": digest}}})
        await eventually(stage.tried, digest.__eq__, "the next revision is the candidate")
    stage.patch(
        "modeldeployment/churn", {"spec": {"traffic": None, "scale": {"autoscaling": None, "maxUnavailable": None}}}
    )
    for kind, group in CHILDREN.items():
        await stage.until_used(group, kind, "delete")


async def train(stage: Stage) -> None:
    """A run that waits in a queue, one whose Job's name is taken, and one that fails and leaves nothing."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "train", "image": "registry.example.com/other:1"}]}
    stage.create("Job", "taken-1", api_version="batch/v1", spec={"suspend": True, "template": {"spec": pod}})
    stage.create("TrainingJob", "taken")
    stage.create("TrainingJob", "queued", spec={**OWN_KINDS["TrainingJob"], "queueName": "gpus"})
    stage.create("TrainingJob", "short", spec={**OWN_KINDS["TrainingJob"], **SHORT})
    for group, resource, verb in (
        ("kueue.x-k8s.io", "workloads", "list"),
        ("batch", "jobs", "get"),
        ("batch", "jobs", "delete"),
        ("rollmodel.dev", "trainingjobs", "delete"),
    ):
        await stage.until_used(group, resource, verb)


async def test_the_role_grants_what_is_used_and_nothing_else(
    role: dict[str, Any], process: OperatorProcess, stage: Stage
) -> None:
    process.ensure()
    await process.ready()
    schedule = {"cron": "* * * * *", "failedRunsHistoryLimit": 0}
    stage.create("TrainingJob", "nightly", spec={**OWN_KINDS["TrainingJob"], **SHORT, "schedule": schedule})
    await fail_first(stage)
    await deploy(stage)
    await train(stage)
    await eventually(stage.rights, lambda seen: not complaints(role, seen), "every right is used")
    assert "Traceback" not in process.log()
    stage.clear()
    assert complaints(role, await stage.rights()) == []
