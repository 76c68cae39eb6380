"""Which registry an object talks to, and whose credentials go there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from rollmodel.api.base import LocalRef
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError, Unavailable
from rollmodel.plan.decision import Ref
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.connections import BELIEVED_SECONDS, Connections

from localcluster.pki import Authority
from tests.support import virtual_time
from tests.support.inmemory.kube import InMemoryKube

OWN = Connection("http://mlflow", token="operators-own")
REFERENCE = LocalRef(name="theirs")


@pytest.fixture
def kube() -> InMemoryKube:
    kube = InMemoryKube()
    kube.secrets["team", "theirs"] = {"url": "https://mlflow.team.example/", "username": "u", "password": "p"}
    return kube


@pytest.fixture
def connections(kube: InMemoryKube) -> Connections:
    return Connections(kube, default=OWN, read_secrets=True)


async def test_without_a_reference_it_is_the_operators_own(connections: Connections) -> None:
    assert await connections.find("team", None) == OWN


async def test_a_secret_gives_a_connection_with_nothing_of_ours(connections: Connections) -> None:
    found = await connections.find("team", REFERENCE)
    assert found == Connection("https://mlflow.team.example", username="u", password="p", token=None)


async def test_a_secret_may_name_a_private_authority(kube: InMemoryKube, connections: Connections) -> None:
    pem = Authority.create("in-house").certificate.decode()
    kube.secrets["team", "theirs"]["ca"] = pem
    assert (await connections.find("team", REFERENCE)).ca == pem.strip()
    assert OWN.ca is None


async def test_a_secret_may_name_a_workspace(kube: InMemoryKube, connections: Connections) -> None:
    before = await connections.find("team", REFERENCE)
    assert before.workspace is None
    connections.invalidate("team", REFERENCE)
    kube.secrets["team", "theirs"]["workspace"] = "risk\n"
    after = await connections.find("team", REFERENCE)
    assert (after.workspace, after == before) == ("risk", False)


async def test_an_authority_that_is_none_is_said(kube: InMemoryKube, connections: Connections) -> None:
    kube.secrets["team", "theirs"]["ca"] = "hunter2"
    with pytest.raises(Invalid, match="key `ca` of Secret 'theirs' must be certificates in PEM") as error:
        await connections.find("team", REFERENCE)
    assert (error.value.reason, "hunter2" in str(error.value)) == ("ConnectionInvalid", False)


async def test_a_secret_is_read_once(kube: InMemoryKube, connections: Connections) -> None:
    for _ in range(3):
        await connections.find("team", REFERENCE)
    assert len(kube.reads) == 1


async def test_a_secret_is_read_again_when_its_login_was_refused(kube: InMemoryKube, connections: Connections) -> None:
    await connections.find("team", REFERENCE)
    kube.secrets["team", "theirs"]["password"] = "new"
    connections.invalidate("team", REFERENCE)
    assert (await connections.find("team", REFERENCE)).password == "new"


async def test_a_secret_of_another_namespace_is_out_of_reach(connections: Connections) -> None:
    with pytest.raises(NotFound) as error:
        await connections.find("elsewhere", REFERENCE)
    assert error.value.reason == "ConnectionNotFound"


async def test_without_the_right_the_role_to_create_is_named(kube: InMemoryKube, connections: Connections) -> None:
    def forbid(verb: str, ref: Ref) -> None:
        raise Forbidden("secrets is forbidden")

    kube.fault = forbid
    with pytest.raises(Forbidden, match="create a Role in namespace 'team' that grants `get`"):
        await connections.find("team", REFERENCE)


@pytest.mark.parametrize(
    "url",
    ["", "mlflow:5000", "file:///etc/passwd", "http://", "ftp://mlflow", "http://user:secret@mlflow", "http://@mlflow"],
)
async def test_an_address_that_cannot_be_one_is_refused(kube: InMemoryKube, connections: Connections, url: str) -> None:
    kube.secrets["team", "theirs"]["url"] = url
    with pytest.raises(Invalid) as error:
        await connections.find("team", REFERENCE)
    assert error.value.reason == "ConnectionInvalid"
    assert "secret" not in str(error.value).replace("Secret", "")


@pytest.mark.parametrize(
    ("default", "read_secrets", "reference", "expected"),
    [(None, True, None, Invalid), (OWN, False, REFERENCE, Forbidden)],
)
async def test_what_is_not_configured_is_said(
    kube: InMemoryKube,
    default: Connection | None,
    read_secrets: bool,
    reference: LocalRef | None,
    expected: type[RollmodelError],
) -> None:
    with pytest.raises(expected):
        await Connections(kube, default=default, read_secrets=read_secrets).find("team", reference)


def test_credentials_are_not_shown() -> None:
    assert "operators-own" not in repr(OWN)


@pytest.mark.parametrize("pattern", ["mlflow.team.example", "*.TEAM.example", "other,*.example"])
async def test_a_secret_names_one_of_the_hosts_that_are_allowed(kube: InMemoryKube, pattern: str) -> None:
    connections = Connections(kube, default=OWN, read_secrets=True, hosts=pattern.split(","))
    assert (await connections.find("team", REFERENCE)).url == "https://mlflow.team.example"
    assert await connections.find("team", None) == OWN


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "[fe80::1]", "Metadata.google.internal."])
async def test_the_operator_is_led_nowhere_inside_of_the_cloud(kube: InMemoryKube, host: str) -> None:
    """Whatever is allowed: its node may hand out credentials there."""
    kube.secrets["team", "theirs"]["url"] = f"http://{host}/latest"
    for hosts in ([], ["*"]):
        connections = Connections(kube, default=OWN, read_secrets=True, hosts=hosts)
        with pytest.raises(Forbidden, match="inside of the cloud"):
            await connections.find("team", REFERENCE)


@pytest.mark.parametrize("url", ["http://10.0.0.1:22", "https://mlflow.team.example.evil.test", "http://[::1]:80"])
async def test_other_hosts_are_refused_and_nothing_is_sent_there(kube: InMemoryKube, url: str) -> None:
    kube.secrets["team", "theirs"]["url"] = url
    connections = Connections(kube, default=OWN, read_secrets=True, hosts=["*.team.example"])
    with pytest.raises(Forbidden, match=r"goes only to .*ROLLMODEL_CONNECTION_HOSTS") as error:
        await connections.find("team", REFERENCE)
    assert error.value.reason == "ConnectionForbidden"


def test_a_pass_believes_a_secret_for_a_poll(kube: InMemoryKube, connections: Connections) -> None:
    async def story() -> None:
        assert (await connections.find("team", REFERENCE)).password == "p"
        del kube.secrets["team", "theirs"]
        await asyncio.sleep(15.0)
        with pytest.raises(NotFound, match="does not exist"):
            await connections.find("team", REFERENCE)

    virtual_time.run(story())


def test_polls_that_are_rare_do_not_make_it_believed_for_long(kube: InMemoryKube) -> None:
    async def story() -> None:
        connections = Connections(kube, default=OWN, read_secrets=True, seconds=3600.0)
        await connections.find("team", REFERENCE)
        kube.secrets["team", "theirs"]["password"] = "new"
        await asyncio.sleep(BELIEVED_SECONDS)
        assert (await connections.find("team", REFERENCE)).password == "new"

    virtual_time.run(story())


class Followed:
    """A Secret that ``number`` objects follow; who was told that it changed."""

    def __init__(self, kube: InMemoryKube, connections: Connections, number: int = 1) -> None:
        self.kube, self.connections, self.number = kube, connections, number
        self.lost: list[int] = []
        self.ends: list[Callable[[], None]] = []

    async def begin(self) -> None:
        for one in range(self.number):
            connection = await self.connections.find("team", REFERENCE)
            end = self.connections.follow("team", REFERENCE, connection, partial(self.lost.append, one))
            self.ends.append(end)

    def refuse(self, error: RollmodelError | None) -> None:
        def fault(_: str, ref: Ref) -> None:
            if error is not None and ref.kind == "Secret":
                raise error

        self.kube.fault = fault


@pytest.fixture
def followed(kube: InMemoryKube, connections: Connections) -> Followed:
    return Followed(kube, connections)


def test_many_that_follow_a_secret_share_one_read_in_a_poll(kube: InMemoryKube, connections: Connections) -> None:
    async def story() -> None:
        followed = Followed(kube, connections, number=50)
        await followed.begin()
        for _ in range(600):
            await asyncio.sleep(1.0)
            await connections.find("team", REFERENCE)  # passes read nothing either
        assert 40 <= len(kube.reads) <= 50
        for end in followed.ends:
            end()
        kube.reads.clear()
        await asyncio.sleep(600.0)
        assert (kube.reads, followed.lost) == ([], [])

    virtual_time.run(story())


@pytest.mark.parametrize("what", ["deleted", "rotated", "moved", "forbidden", "spoilt"])
def test_who_follows_a_secret_hears_within_a_poll(kube: InMemoryKube, followed: Followed, what: str) -> None:
    def change() -> None:
        secret = kube.secrets["team", "theirs"]
        match what:
            case "deleted":
                del kube.secrets["team", "theirs"]
            case "rotated":
                secret["password"] = "new"
            case "moved":
                secret["url"] = "https://elsewhere.example"
            case "forbidden":
                followed.refuse(Forbidden("secrets is forbidden"))
            case _:
                secret["url"] = "none"

    async def story() -> None:
        await followed.begin()
        await asyncio.sleep(100.0)
        assert followed.lost == []
        change()
        await asyncio.sleep(15.0)
        assert followed.lost == [0]
        kube.reads.clear()
        await asyncio.sleep(600.0)
        assert (followed.lost, kube.reads) == ([0], []), "it is told once, and nobody follows any more"

    virtual_time.run(story())


def test_who_follows_also_hears_what_a_pass_of_another_object_finds(kube: InMemoryKube, followed: Followed) -> None:
    async def story() -> None:
        await followed.begin()
        followed.connections.invalidate("team", REFERENCE)
        kube.secrets["team", "theirs"]["password"] = "new"
        await followed.connections.find("team", REFERENCE)
        assert followed.lost == [0]

    virtual_time.run(story())


@pytest.mark.parametrize("error", [Unavailable("the API server does not answer"), ZeroDivisionError()])
def test_an_api_server_that_fails_takes_nothing_away(
    kube: InMemoryKube, followed: Followed, error: RollmodelError
) -> None:
    async def story() -> None:
        await followed.begin()
        followed.refuse(error)
        await asyncio.sleep(600.0)
        assert followed.lost == []
        followed.refuse(None)
        kube.secrets["team", "theirs"]["password"] = "new"
        await asyncio.sleep(31.0)
        assert followed.lost == [0]

    virtual_time.run(story())


def test_nothing_is_read_for_the_operators_own_login_or_after_the_end(kube: InMemoryKube, followed: Followed) -> None:
    async def story() -> None:
        followed.connections.follow("team", None, OWN, lambda: followed.lost.append(9))
        await followed.begin()
        followed.connections.close()
        kube.reads.clear()
        await asyncio.sleep(600.0)
        assert (kube.reads, followed.lost) == ([], [])

    virtual_time.run(story())
