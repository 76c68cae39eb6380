"""Which registry an object talks to, and whose credentials go there."""

from __future__ import annotations

import time

import pytest
from rollmodel.api.base import LocalRef
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError
from rollmodel.plan.decision import Ref
from rollmodel.ports import Connection
from rollmodel.reconcile.connections import BELIEVED_SECONDS, Connections

from localcluster.pki import Authority
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


@pytest.mark.parametrize("url", ["http://10.0.0.1:22", "https://mlflow.team.example.evil.test", "http://[::1]:80"])
async def test_other_hosts_are_refused_and_nothing_is_sent_there(kube: InMemoryKube, url: str) -> None:
    kube.secrets["team", "theirs"]["url"] = url
    connections = Connections(kube, default=OWN, read_secrets=True, hosts=["*.team.example"])
    with pytest.raises(Forbidden, match=r"goes only to .*ROLLMODEL_CONNECTION_HOSTS") as error:
        await connections.find("team", REFERENCE)
    assert error.value.reason == "ConnectionForbidden"


async def test_a_secret_that_is_taken_away_is_believed_for_a_minute(
    kube: InMemoryKube, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await connections.find("team", REFERENCE)).password == "p"
    del kube.secrets["team", "theirs"]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + BELIEVED_SECONDS + 1)
    with pytest.raises(NotFound, match="does not exist"):
        await connections.find("team", REFERENCE)
    assert BELIEVED_SECONDS <= 60
