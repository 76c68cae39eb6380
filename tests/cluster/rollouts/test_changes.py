"""What people change while a rollout is on its way: another version, back again, or gone altogether."""

import json
from collections.abc import Iterator

import pytest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import REPOSITORY, Rollout, Send
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, together, tried_at, verdict
from tests.support.live.servers.light_server import Behaviour

GOOD = Behaviour()
#: Nobody resumes it: the candidate keeps its weight until something else is said.
WAITING = [{"weight": 50}, {"pause": "Manual"}]


async def _another_version(registry: LightRegistry, rollout: Rollout, send: Send) -> None:
    """The first candidate loses its weight before anything else happens, and never mixes with the second."""
    model, churn = await registry.model(GOOD, GOOD, GOOD), rollout("another")
    spec = light_spec(model.name, "1")
    await churn.create(spec)
    await churn.until(at_rest("1"))
    traffic = await send(churn)
    await churn.change({"rollout": {"steps": WAITING}})
    await churn.version("2")
    second = (await churn.until(tried_at("2", 50))).candidate
    assert second is not None
    await churn.change({"rollout": spec["rollout"], "model": {"registry": {"version": "3"}}})
    begun = await churn.until(lambda status: status.candidate is not None and status.candidate.model_version == "3")
    # Observed, not wished: the second had no weight any more when the third began.
    assert [(arm.revision, arm.weight) for arm in begun.retiring] in ([(second.revision, 0)], [])
    assert begun.candidate is not None
    assert begun.candidate.weight == 0
    assert verdict("2", "Superseded")(begun)
    # What was learnt about the second is nothing to the third.
    assert begun.judge is None
    assert begun.evidence == []
    assert begun.candidate.requests == 0
    status = await churn.until(at_rest("3"))
    assert verdict("3", "Promoted")(status)
    assert await churn.revisions() == {status.stable.revision if status.stable else ""}
    assert set(traffic.codes) == {"200"}
    assert await model.verdict("2") is None


async def _back_to_stable(registry: LightRegistry, rollout: Rollout, send: Send) -> None:
    """No pod starts, nothing is judged: the stable revision takes all traffic back with one write to the route."""
    model, churn = await registry.model(GOOD, GOOD), rollout("back")
    await churn.create(light_spec(model.name, "1"))
    stable = (await churn.until(at_rest("1"))).stable
    assert stable is not None
    await send(churn)
    await churn.change({"rollout": {"steps": WAITING}})
    await churn.version("2")
    await churn.until(tried_at("2", 50))
    pods = {pod["metadata"]["uid"] for pod in await churn.children("Pod")}
    await churn.version("1")
    status = await churn.until(at_rest("1"))
    assert status.stable is not None
    assert status.stable.revision == stable.revision
    assert verdict("2", "Superseded")(status)
    assert status.rejected is None
    assert await churn.revisions() == {stable.revision}
    assert {pod["metadata"]["uid"] for pod in await churn.children("Pod")} <= pods
    route = await churn.get("HTTPRoute", "back")
    assert route is not None
    assert route["metadata"]["generation"] == 3


async def _namespace_deleted(registry: LightRegistry, churn: LiveRollout) -> None:
    """Everything goes, in whatever order the namespace controller likes."""
    model = await registry.model(GOOD, GOOD)
    spec = light_spec(model.name, "1")
    spec = {**spec, "rollout": {**spec["rollout"], "steps": WAITING}, "analysis": {"metrics": []}}
    await churn.create(spec, routed=False)
    await churn.until(at_rest("1"))
    await churn.version("2")
    await churn.until(tried_at("2", 50))
    await churn.delete("Namespace", churn.namespace)
    await churn.until_absent("Namespace", churn.namespace)


@pytest.fixture
def newer_release(stack: Cluster) -> Iterator[str]:
    """A field of the spec that only the CRDs know."""
    name = "telepathy"
    path = f"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/{name}"
    patch = [{"op": "add", "path": path, "value": {"type": "string", "maxLength": 10}}]
    stack.kubectl("patch", "crd", "modeldeployments.rollmodel.dev", "--type=json", "-p", json.dumps(patch))
    yield name
    stack.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(REPOSITORY / "crds"))


async def test_a_field_of_a_newer_release(registry: LightRegistry, rollout: Rollout, newer_release: str) -> None:
    """The CRDs are newer than the operator: what it does not know it leaves alone."""
    model, churn = await registry.model(GOOD), rollout("churn")
    await churn.create(light_spec(model.name, "1"))
    # The API server serves a new schema after a moment, and drops what it does not know until then.
    change = {newer_release: "on"}
    await eventually(lambda: churn.change(change), lambda body: newer_release in body["spec"], "the schema is served")
    await churn.until(at_rest("1"))
    await churn.until_condition("Ready", "True")
    body = await churn.get("ModelDeployment", "churn")
    assert body is not None
    assert body["spec"][newer_release] == "on"


async def test_what_people_change_mid_rollout(
    operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send, elsewhere: str
) -> None:
    """Side by side."""
    far = LiveRollout(rollout("any").api, elsewhere, "churn")
    await together(
        [
            _another_version(registry, rollout, send),
            _back_to_stable(registry, rollout, send),
            _namespace_deleted(registry, far),
        ]
    )
    assert "unexpected error" not in operator.log()
