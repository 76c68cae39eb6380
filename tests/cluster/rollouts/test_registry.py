"""A registry that says no: nothing starts, and the condition names what to do."""

import pytest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Connection, Rollout
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.rollout import Change, LiveRollout, at_rest, light_spec, together
from tests.support.live.servers.light_server import Behaviour

GOOD = Behaviour()


async def _unresolved(rollout: LiveRollout, spec: Change, reason: str, *words: str) -> None:
    await rollout.create(spec)
    unresolved = await rollout.until_condition("ModelResolved", "False", reason)
    assert all(word in unresolved.message for word in words), unresolved.message
    await rollout.until_condition("Stalled", "True", reason)
    assert await rollout.children("Deployment") == []
    await rollout.until_event(reason, words[0])


async def test_names_that_nobody_knows(registry: LightRegistry, rollout: Rollout) -> None:
    """And once the name is known, what was asked for begins by itself."""
    model = await registry.model(GOOD)
    late = rollout("late")
    unknown, nameless = light_spec("nobody-knows", alias="champion"), light_spec(model.name, alias="challenger")
    await together(
        [
            _unresolved(rollout("model"), unknown, "NotFound", "nobody-knows"),
            _unresolved(rollout("version"), light_spec(model.name, "99"), "NotFound", "99"),
            _unresolved(late, nameless, "AliasNotFound", model.name, "'challenger'"),
        ]
    )
    await model.point("challenger", "1")
    await late.until(at_rest("1"))
    await late.until_condition("ModelResolved", "True")


async def test_the_registry_is_called_by_a_name_that_it_refuses(
    stack: Cluster, registry: LightRegistry, rollout: Rollout, connection: Connection
) -> None:
    """MLflow answers 403 to a Host header that it was not told of; the condition names the option."""
    model, churn = await registry.model(GOOD), rollout("churn")
    # Another way to write 127.0.0.1 which MLflow does not know as one of its names.
    address = f"127.1:{stack.mlflow_url.rpartition(':')[2]}"
    await connection(url=f"http://{address}")
    spec = light_spec(model.name, "1")
    spec["model"]["connectionRef"] = {"name": "mlflow"}
    await _unresolved(churn, spec, "HostNotAllowed", address, "--allowed-hosts")


@pytest.mark.slow
async def test_pods_of_a_version_that_was_deleted_start_again(registry: LightRegistry, rollout: Rollout) -> None:
    """They ask where the files lie, not for the version; the digest decides all the same."""
    model, churn = await registry.model(GOOD), rollout("churn")
    await churn.create(light_spec(model.name, "1"))
    await churn.until(at_rest("1"))
    await registry.call("model-versions/delete", {"name": model.name, "version": "1"}, "DELETE")
    [before] = await churn.children("Pod")
    await churn.delete("Pod", before["metadata"]["name"])

    def ready(pods: list[Change]) -> bool:
        others = [pod for pod in pods if pod["metadata"]["uid"] != before["metadata"]["uid"]]
        conditions = [one for pod in others for one in pod["status"].get("conditions", ())]
        return any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)

    await eventually(lambda: churn.children("Pod"), ready, "another pod is ready")
