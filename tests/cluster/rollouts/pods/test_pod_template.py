"""What is laid over pods reaches them, in a namespace that is restricted; what must not be there changes nothing."""

import pytest

from tests.cluster.rollouts.conftest import Rollout
from tests.support.live.light_models import COMMAND, LightRegistry
from tests.support.live.rollout import at_rest, light_spec
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SERVER = "localhost/rollmodel/server:dev"
WAITS = ["python", "-c", "import threading; threading.Event().wait()"]


async def test_what_pods_need_beside_a_server(registry: LightRegistry, rollout: Rollout) -> None:
    """A volume, a sidecar, timings and an annotation; then a host path is refused, and the same pods serve on."""
    model, churn = await registry.model(Behaviour()), rollout("churn")
    scratch = {"name": "scratch", "emptyDir": {"sizeLimit": "16Mi"}}
    mount = {"name": "scratch", "mountPath": "/scratch"}
    overlay = {
        "metadata": {"annotations": {"example.com/note": "laid over"}},
        "spec": {
            "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "ScheduleAnyway"}],
            "volumes": [scratch],
            "containers": [
                {"name": "model", "volumeMounts": [mount], "startupProbe": {"failureThreshold": 99}},
                {"name": "beside", "image": SERVER, "command": WAITS, "volumeMounts": [mount]},
            ],
        },
    }
    await churn.create(light_spec(model.name, "1", runtime={"command": COMMAND, "podTemplate": overlay}))
    before = (await churn.until(at_rest("1"))).stable
    [pod] = await churn.children("Pod")
    assert pod["metadata"]["annotations"]["example.com/note"] == "laid over"
    assert {one["name"]: one["ready"] for one in pod["status"]["containerStatuses"]} == {"model": True, "beside": True}
    [serving] = [one for one in pod["spec"]["containers"] if one["name"] == "model"]
    assert serving["startupProbe"]["failureThreshold"] == 99
    assert mount in serving["volumeMounts"]
    bad = {"spec": {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}}
    await churn.change({"runtime": {"podTemplate": bad}})
    stalled = await churn.until_condition("Stalled", "True", "InvalidSpec")
    assert "`runtime.podTemplate`.spec.volumes[node]: must be exactly one of configMap" in stalled.message
    status = await churn.until(at_rest("1"))
    assert status.stable is not None
    assert before is not None
    assert status.stable.revision == before.revision
    assert [one["metadata"]["uid"] for one in await churn.children("Pod")] == [pod["metadata"]["uid"]]
    await churn.change({"runtime": {"podTemplate": None}})
    await churn.until(lambda status: status.candidate is not None, "tries pods without it")
