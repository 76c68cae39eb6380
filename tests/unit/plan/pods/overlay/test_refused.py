"""What must not be laid over pods is refused, and the answer says what may be."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.errors import Invalid
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.observed import PinnedModel

from tests.support.simulation.rollouts import DEFAULTS, spec
from tests.unit.plan.pods.overlay.conftest import MODEL, PLAIN, Part, named, pod


def of_model(**fields: Any) -> Part:
    return {"containers": [{"name": "model", **fields}]}


def of_fetch(**fields: Any) -> Part:
    return {"initContainers": [{"name": "fetch-model", **fields}]}


def another(**fields: Any) -> Part:
    return {"containers": [{"name": "proxy", "image": "proxy:1", **fields}]}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (of_model(image="other"), "spec.containers[model].image: is set by the operator; use `runtime.image`"),
        (of_model(command=["x"]), "use `runtime.command`"),
        (of_model(args=["x"]), "use `runtime.args`"),
        (of_model(ports=[{"containerPort": 9}]), "use `runtime.port`"),
        (of_model(lifecycle={}), "containers[model].lifecycle: is set by the operator; allowed are env, envFrom"),
        (of_model(readinessProbe={"httpGet": {"path": "/"}}), "(the path is `runtime.readinessPath`)"),
        (
            of_model(startupProbe={"exec": {}}),
            "startupProbe.exec: is set by the operator; allowed are failureThreshold",
        ),
        (of_model(env=[{"name": "ROLLMODEL_X", "value": "1"}]), "env[ROLLMODEL_X]: is set by the operator"),
        (of_model(volumeMounts=[{"name": "x", "mountPath": "/mnt/models/model/a"}]), "above or below /mnt/models"),
        (of_model(volumeMounts=[{"name": "x", "mountPath": "/mnt"}]), "above or below /mnt/models"),
        (of_model(volumeMounts=[{"name": "model", "mountPath": "/m"}]), "must have `readOnly: true`"),
        (of_model(securityContext={"privileged": True}), "containers[model].securityContext.privileged: must be false"),
        (of_model(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}), "others than NET_BIND_SERVICE"),
        (of_model(securityContext={"capabilities": {"drop": []}}), "capabilities.drop: must have ALL"),
        (of_model(securityContext={"procMount": "Unmasked"}), "procMount: must not be set; allowed are allowPriv"),
        (of_fetch(image="other"), "initContainers[fetch-model].image: is set by the operator; allowed are env, image"),
        (of_fetch(volumeMounts=[]), "initContainers[fetch-model].volumeMounts: is set by the operator"),
        ({"containers": [{"name": "fetch-model", "image": "x"}]}, "is the name of a container in `initContainers`"),
        ({"initContainers": [{"name": "model", "image": "x"}]}, "is the name of a container in `containers`"),
        ({"containers": [{"name": "proxy"}]}, "spec.containers[proxy].image: must be set"),
        (another(ports=[{"containerPort": 8080}]), "must not take a name or number of the model server: http (8080)"),
        (another(ports=[{"name": "http", "containerPort": 1}]), "must not take a name or number of the model server"),
        (another(ports=[{"containerPort": 1, "hostPort": 1}]), "must not have `hostPort`"),
        (another(volumeMounts=[{"name": "model", "mountPath": "/m"}]), "must have `readOnly: true`"),
        (
            another(volumeMounts=[{"name": "x", "mountPath": "/m", "mountPropagation": "Bidirectional"}]),
            "Bidirectional",
        ),
        (another(securityContext={"runAsUser": 0}), "must not be 0, which is root"),
        (another(securityContext={"allowPrivilegeEscalation": True}), "allowPrivilegeEscalation: must be false"),
        ({"securityContext": {"runAsNonRoot": False}}, "spec.securityContext.runAsNonRoot: must be true"),
        ({"securityContext": {"sysctls": []}}, "spec.securityContext.sysctls: must not be set; allowed are fsGroup"),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "one of Localhost, RuntimeDefault"),
        ({"terminationGracePeriodSeconds": 5}, "must be at least 75, which requests that have begun may take"),
        ({"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}, "spec.volumes[x]: must be exactly one of configMap"),
        ({"volumes": [{"name": "x"}]}, "spec.volumes[x]: must be exactly one of configMap"),
        ({"volumes": [{"name": "x", "secret": {}, "emptyDir": {}}]}, "spec.volumes[x]: must be exactly one of"),
        ({"volumes": [{"name": "model", "secret": {"secretName": "s"}}]}, "must be one of emptyDir, ephemeral"),
        (of_model(env="HOME=/"), "spec.containers[model].env: must be a list of objects"),
        (of_model(env=["HOME"]), "spec.containers[model].env: must be a list of objects"),
        (of_model(resources=[]), "spec.containers[model].resources: must be an object"),
        (another(securityContext={"capabilities": "ALL"}), "securityContext.capabilities: must be an object"),
        (another(securityContext={"capabilities": {"drop": "ALL"}}), "capabilities.drop: must be a list of names"),
    ],
)
def test_what_must_not_be_is_named_with_what_may_be(fields: Part, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        pod(**fields)
    assert refused.value.reason == "InvalidSpec"
    assert str(refused.value).startswith("`runtime.podTemplate`.spec.")
    assert says in str(refused.value)


def test_the_volume_of_a_claim_is_ours() -> None:
    stored = PinnedModel(uri="pvc://models/churn", digest="sha256:7")
    own = {"spec": {"volumes": [{"name": "claim", "emptyDir": {}}]}}
    with pytest.raises(Invalid, match="is set by the operator; take another name"):
        revisions.wanted("churn", spec(runtime={"podTemplate": own}), stored, DEFAULTS)


def test_null_is_unset() -> None:
    found = pod(
        securityContext={"seccompProfile": None, "runAsNonRoot": None},
        containers=[{"name": "model", "securityContext": {"capabilities": None}, "image": None}],
    )
    assert found["securityContext"] == PLAIN["spec"]["securityContext"]
    assert named(found["containers"], "model") == MODEL


def test_many_problems_are_shortened() -> None:
    with pytest.raises(Invalid, match=r"and 3 more$"):
        pod(volumes=[{"name": f"v{number}"} for number in range(8)])
