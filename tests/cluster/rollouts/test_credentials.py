"""Who sees which password: an address from a Secret only what that Secret holds, and readers of the cluster nothing.

That nothing readable gives a password away is checked after every test of this folder, see the fixture ``rollout``.
"""

import asyncio
import json

import pytest

from localcluster import Cluster
from localcluster.network import LOOPBACK
from tests.cluster.rollouts.conftest import (
    OPERATOR_LOGINS,
    Connection,
    Rollout,
)
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import Change, LiveRollout, at_rest, light_spec
from tests.support.live.secrets import basic, found, stored
from tests.support.live.servers.light_server import Behaviour
from tests.support.servers.proxy import moved_to, proxied, refusal

GOOD = Behaviour()
TOKEN = "canary-3b0d77-token"
PASSWORD = "canary-c41d9a-password"
WAITING = [{"weight": 50}, {"pause": "Manual"}]


def _connected(name: str, **source: str) -> Change:
    spec = light_spec(name, **source)
    spec["model"]["connectionRef"] = {"name": "mlflow"}
    return spec


async def _unresolved(rollout: LiveRollout, registry: LightRegistry, reason: str) -> str:
    """Ask for a model in vain; what the condition says."""
    model = await registry.model(GOOD)
    await rollout.create(_connected(model.name, version="1"))
    return (await rollout.until_condition("ModelResolved", "False", reason)).message or ""


async def test_an_address_from_a_secret_is_told_that_secret_only(
    stack: Cluster,
    operator: OperatorProcess,
    registry: LightRegistry,
    rollout: Rollout,
    connection: Connection,
) -> None:
    """A registry that a user named keeps what it is told, by the operator and by the init container."""
    model, churn = await registry.model(GOOD), rollout("churn")
    async with proxied(registry.url) as theirs:
        await connection(url=theirs.url, token=TOKEN)
        await churn.create(_connected(model.name, version="1"))
        await churn.until(at_rest("1"))
        await churn.until(lambda status: not status.outbox)
        assert theirs.logins() == {f"Bearer {TOKEN}"}
        told = json.dumps(theirs.seen)
    assert len({headers["User-Agent"] for headers in theirs.seen}) > 1, "the operator, and the init container"
    assert found(told, OPERATOR_LOGINS) == []
    [pod] = await churn.children("Pod")
    logs = ("logs", "--all-containers", "-n", churn.namespace, pod["metadata"]["name"])
    written = await asyncio.to_thread(stack.kubectl, *logs)
    written += json.dumps(await model.tags("1")) + await operator.exposition()
    assert await stored(churn) == [("", TOKEN)]
    assert found(written, [("", TOKEN), *OPERATOR_LOGINS]) == []


@pytest.mark.usefixtures("operator")
async def test_a_refused_login_is_told_to_nobody(
    registry: LightRegistry, rollout: Rollout, connection: Connection
) -> None:
    """Also where a registry repeats it in its error: see the fixture ``rollout``."""
    async with proxied(registry.url) as theirs:
        theirs.instead = refusal
        await connection(url=theirs.url, username="canary", password=PASSWORD)
        await _unresolved(rollout("churn"), registry, "Forbidden")
        assert theirs.logins() == {f"Basic {basic('canary', PASSWORD)}"}


async def test_a_login_is_not_led_elsewhere(registry: LightRegistry, rollout: Rollout, connection: Connection) -> None:
    """A registry that says that it has moved is not followed."""
    async with proxied(registry.url) as theirs, proxied(registry.url) as trap:
        theirs.instead = moved_to(trap.url)
        await connection(url=theirs.url, token=TOKEN)
        await _unresolved(rollout("churn"), registry, "NotMlflow")
        assert theirs.logins() == {f"Bearer {TOKEN}"}
        assert trap.seen == []


async def test_a_secret_that_the_operator_may_not_read(registry: LightRegistry, rollout: Rollout) -> None:
    """Nothing is shared by default: the condition names the Role to create."""
    churn = rollout("churn")
    await churn.make("Secret", {"metadata": {"name": "mlflow"}, "stringData": {"url": registry.url, "token": TOKEN}})
    assert "config/examples/connection-secrets.yaml" in await _unresolved(churn, registry, "ConnectionForbidden")


async def test_a_secret_of_another_namespace(
    registry: LightRegistry, rollout: Rollout, connection: Connection, elsewhere: str
) -> None:
    """The operator may read it there, and does not for an object that is here."""
    await connection()
    async with proxied(registry.url) as theirs:
        await connection(elsewhere, url=theirs.url, token=TOKEN)
        assert "'mlflow'" in await _unresolved(rollout("churn"), registry, "ConnectionNotFound")
        assert theirs.seen == []


@pytest.mark.slow
async def test_what_is_taken_away_is_not_used_after_a_poll(
    registry: LightRegistry, rollout: Rollout, connection: Connection, elsewhere: str, operator: OperatorProcess
) -> None:
    """A rotated password, a Secret that is deleted, and a right that is: while the pods serve on.

    Another team follows an alias with a login of its own, so that polls can be counted.
    """
    model, churn = await registry.model(GOOD), rollout("churn")
    await model.point("challenger", "1")
    witness = LiveRollout(churn.api, elsewhere, "witness")

    async with proxied(registry.url) as theirs:

        async def polled() -> list[str | None]:
            """Who asks while the other team polls three times."""
            theirs.seen.clear()
            mark = "Bearer witness"

            async def logins() -> list[str | None]:
                return [headers.get("Authorization") for headers in theirs.seen]

            asked = await eventually(logins, lambda asked: asked.count(mark) >= 3, "the other team polls")
            return [one for one in asked if one != mark]

        await connection(elsewhere, url=theirs.url, token="witness")
        await witness.create({**_connected(model.name, alias="challenger"), "scale": {"replicas": 0}}, routed=False)
        await connection(url=theirs.url, token=PASSWORD)
        await churn.create(_connected(model.name, alias="challenger"))
        await churn.until(at_rest("1"))
        assert {*await polled()} == {f"Bearer {PASSWORD}"}

        await churn.patch("Secret", "mlflow", {"stringData": {"token": TOKEN}})
        await churn.until_event("ConnectionChanged", "'mlflow'")
        assert {*await polled()} == {f"Bearer {TOKEN}"}

        await churn.delete("Secret", "mlflow")
        await churn.until_event("ConnectionNotFound", "'mlflow'")
        assert await polled() == []

        await connection(url=theirs.url, token=TOKEN)
        await churn.until_condition("ModelResolved", "True")
        assert {*await polled()} == {f"Bearer {TOKEN}"}

        await churn.delete("RoleBinding", "rollmodel-connection-secrets")
        await churn.until_event("ConnectionForbidden", "connection-secrets.yaml")
        assert await polled() == []
        await churn.until_condition("Available", "True")
        assert (await churn.status()).stable is not None
    assert found(operator.log(), [("", PASSWORD), ("", TOKEN)]) == []


async def test_an_address_in_the_spec_is_opened_by_pods_only(rollout: Rollout) -> None:
    """The operator does not even connect to it."""
    churn, visits = rollout("churn"), [False]

    def visited(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits[0] = True
        writer.close()

    async with await asyncio.start_server(visited, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        model = {"uri": f"https://{LOOPBACK}:{port}/model.tar.gz", "digest": f"sha256:{'0' * 64}"}
        await churn.create({"model": model, "scale": {"replicas": 0}})
        await churn.until_condition("ModelResolved", "True")
        await churn.until_condition("Ready", "True")
        assert visits == [False]
        await churn.change({"scale": {"replicas": 1}})

        async def look() -> bool:
            return visits[0]

        await eventually(look, bool, "the init container comes")
