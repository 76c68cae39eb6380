"""What others do to our children is put right, and what belongs to others is left alone."""

from rollmodel.plan.naming import child

from tests.cluster.rollouts.conftest import Rollout
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.rollout import Change, LiveRollout, at_rest, light_spec
from tests.support.live.servers.light_server import Behaviour


async def _installed(registry: LightRegistry, churn: LiveRollout) -> str:
    """A ModelDeployment at rest; its stable revision."""
    model = await registry.model(Behaviour())
    await churn.create(light_spec(model.name, "1"))
    stable = (await churn.until(at_rest("1"))).stable
    assert stable is not None
    await churn.until_condition("Ready", "True")
    return stable.revision


async def _restored(churn: LiveRollout, kind: str, name: str, as_it_was: Change) -> Change:
    """The object, once its spec is again what it was."""

    def same(found: Change | None) -> bool:
        return found is not None and found["spec"] == as_it_was["spec"]

    found = await eventually(lambda: churn.get(kind, name), same, f"{kind} {name} is put right")
    assert found is not None
    return found


async def test_the_route_is_edited_by_hand(registry: LightRegistry, rollout: Rollout) -> None:
    churn = rollout("churn")
    await _installed(registry, churn)
    before = await churn.get("HTTPRoute", "churn")
    assert before is not None
    rule = {"backendRefs": [{"name": "somewhere-else", "port": 80}]}
    await churn.patch("HTTPRoute", "churn", {"spec": {"rules": [rule]}})
    after = await _restored(churn, "HTTPRoute", "churn", before)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    await churn.until_event("Restored", "HTTPRoute churn")
    await churn.until(at_rest("1"))
    await churn.until_condition("Ready", "True")


async def test_the_deployment_is_scaled_and_deleted_by_hand(registry: LightRegistry, rollout: Rollout) -> None:
    churn = rollout("churn")
    name = child("churn", await _installed(registry, churn))
    before = await churn.get("Deployment", name)
    assert before is not None
    await churn.patch("Deployment", name, {"spec": {"replicas": 3}})
    after = await _restored(churn, "Deployment", name, before)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    await churn.until_event("Restored", f"Deployment {name}")
    await churn.delete("Deployment", name)
    again = await _restored(churn, "Deployment", name, before)
    assert again["metadata"]["uid"] != before["metadata"]["uid"]
    status = await churn.until(at_rest("1"))
    assert [entry.verdict for entry in status.history] == ["Installed"]
    await churn.until_condition("Ready", "True")


async def test_what_belongs_to_others_is_not_taken(registry: LightRegistry, rollout: Rollout) -> None:
    """A Deployment or Service of our name that somebody else made: said, not touched, and not deleted with us."""
    model, probe, churn = await registry.model(Behaviour()), rollout("probe"), rollout("churn")
    await probe.create(light_spec(model.name, "1"))
    revision = (await probe.until(lambda status: status.candidate is not None)).candidate
    assert revision is not None
    name = child("churn", revision.revision)
    labels = {"app": "theirs"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "theirs", "image": "pause"}]}}
    workload = {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}
    await churn.make("Deployment", {"metadata": {"name": name}, "spec": workload})
    service = {"selector": labels, "ports": [{"port": 80}]}
    await churn.make("Service", {"metadata": {"name": "churn"}, "spec": service})
    theirs = [(await churn.get("Deployment", name)), (await churn.get("Service", "churn"))]
    await churn.create(light_spec(model.name, "1"))
    refused = await churn.until_condition("Stalled", "True", "Refused")
    assert f"Deployment {name} exists and is not controlled by this object" in refused.message
    await churn.delete("Deployment", name)
    refused = await churn.until_condition("Stalled", "True", "Refused")
    await churn.delete()
    await churn.until_absent()
    assert await churn.get("Service", "churn") == theirs[1]
