"""Pinning models and following aliases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from rollmodel.api.base import LocalRef
from rollmodel.api.modeldeployment import ModelSource
from rollmodel.errors import Forbidden, Unavailable
from rollmodel.plan.deployment.observed import PinnedModel
from rollmodel.plan.problem import Problem
from rollmodel.ports.registry import Connection
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.deployment.pinning.models import Models
from rollmodel.reconcile.references import References

from tests.support import virtual_time
from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import InMemoryRegistry

OWN = Connection("http://mlflow")
DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def registry() -> InMemoryRegistry:
    registry = InMemoryRegistry()
    registry.publish("1", "challenger")
    return registry


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
def models(registry: InMemoryRegistry, woken: list[str]) -> Models:
    kube = InMemoryKube()
    kube.secrets["team", "theirs"] = {"url": "http://other"}
    connections = Connections(kube, default=OWN, read_secrets=True)
    return Models(registry, connections, References(woken.append), woken.append)


def source(**fields: Any) -> ModelSource:
    return ModelSource.model_validate(fields)


ALIAS = source(registry={"name": "churn", "alias": "challenger"})


async def test_an_alias_is_pinned_to_a_version(models: Models) -> None:
    assert await models.pin("uid", "team", ALIAS) == PinnedModel(
        uri="models:/churn/1",
        digest=f"sha256:{'1'.zfill(64)}",
        name="churn",
        version="1",
        registry_url="http://mlflow",
        files="models:/m-1",
        size_bytes=1024,
    )


@pytest.mark.parametrize(
    ("said", "files"),
    [
        ("mlflow-artifacts:/1/ab/artifacts/model/", "mlflow-artifacts:/1/ab/artifacts/model"),
        (f"runs:/{'a' * 32}/model", f"runs:/{'a' * 32}/model"),
        ("models:/m-0f/part", "models:/m-0f/part"),
        ("models:/other/3", None),
        ("mlflow-artifacts://elsewhere:5000/1/model", None),
        ("mlflow-artifacts:/1/../2", None),
        ("mlflow-artifacts:/1/$(TOKEN) x", None),
        ("https://evil.example/model", None),
        ("s3://bucket/model", None),
        ("", None),
        (f"mlflow-artifacts:/{'a' * 1100}", None),
    ],
)
async def test_pods_ask_where_mlflow_keeps_the_files(
    models: Models, registry: InMemoryRegistry, said: str, files: str | None
) -> None:
    """A source is what somebody wrote: other addresses are asked for by name and version, as MLflow resolves them."""
    registry.versions["churn", "1"] = replace(registry.versions["churn", "1"], source=said)
    pinned = await models.pin("uid", "team", ALIAS)
    assert isinstance(pinned, PinnedModel)
    assert (pinned.uri, pinned.files) == ("models:/churn/1", files)


async def test_a_connection_of_its_own_is_handed_to_the_pod_by_name(models: Models) -> None:
    spec = source(registry={"name": "churn", "version": "1"}, connectionRef={"name": "theirs"})
    pinned = await models.pin("uid", "team", spec)
    assert isinstance(pinned, PinnedModel)
    assert (pinned.connection_secret, pinned.registry_url) == ("theirs", None)


async def test_a_uri_is_pinned_by_its_digest(models: Models) -> None:
    pinned = await models.pin("uid", "team", source(uri="s3://bucket/churn", digest=DIGEST))
    assert pinned == PinnedModel(uri="s3://bucket/churn", digest=DIGEST)


async def test_files_outside_mlflow_come_with_the_login_of_their_store(models: Models) -> None:
    pinned = await models.pin("uid", "team", source(uri="s3://b/churn", digest=DIGEST, connectionRef={"name": "minio"}))
    assert pinned == PinnedModel(uri="s3://b/churn", digest=DIGEST, connection_secret="minio")


@pytest.mark.parametrize("uri", ["gs://bucket/churn", "hf://org/churn"])
async def test_an_address_that_nothing_reads_says_what_is_read(models: Models, uri: str) -> None:
    """Objects that were stored when such addresses were accepted."""
    problem = await models.pin("uid", "team", source(uri=uri, digest=DIGEST))
    assert isinstance(problem, Problem)
    assert (problem.reason, problem.transient) == ("Unsupported", False)
    assert "s3://" in problem.message


async def test_an_image_is_pinned_by_its_own_digest_too(models: Models) -> None:
    uri = f"oci://registry.example.com/churn@{DIGEST}/models"
    assert await models.pin("uid", "team", source(uri=uri, digest=DIGEST)) == PinnedModel(uri=uri, digest=DIGEST)
    problem = await models.pin("uid", "team", source(uri="oci://registry.example.com/churn:7", digest=DIGEST))
    assert isinstance(problem, Problem)
    assert (problem.reason, problem.transient) == ("Unsupported", False)
    assert "by its digest" in problem.message


@pytest.mark.parametrize("uri", ["models:/churn/1", "runs:/0123/model", "mlflow-artifacts:/1/models/m-1/artifacts"])
async def test_a_uri_in_mlflow_is_fetched_from_there(models: Models, uri: str) -> None:
    default = await models.pin("uid", "team", source(uri=uri, digest=DIGEST))
    assert default == PinnedModel(uri=uri, digest=DIGEST, registry_url="http://mlflow")
    named = await models.pin("uid", "team", source(uri=uri, digest=DIGEST, connectionRef={"name": "theirs"}))
    assert named == PinnedModel(uri=uri, digest=DIGEST, connection_secret="theirs")


async def test_a_registered_uri_needs_no_digest(models: Models) -> None:
    pinned = await models.pin("uid", "team", source(uri="models:/churn/1"))
    assert isinstance(pinned, PinnedModel)
    assert pinned.version == "1"


async def test_a_uri_without_digest_says_what_to_do(models: Models) -> None:
    problem = await models.pin("uid", "team", source(uri="s3://bucket/churn"))
    assert isinstance(problem, Problem)
    assert (problem.reason, problem.transient) == ("DigestMissing", False)


async def test_followers_are_woken_when_the_alias_moves(
    models: Models, registry: InMemoryRegistry, woken: list[str]
) -> None:
    await models.pin("uid", "team", ALIAS)
    await models.pin("uid", "team", ALIAS)
    registry.publish("2", "challenger")
    assert woken == ["uid"]


async def test_a_spec_that_names_another_alias_follows_only_that(models: Models, registry: InMemoryRegistry) -> None:
    await models.pin("uid", "team", ALIAS)
    await models.pin("uid", "team", source(registry={"name": "churn", "alias": "blue"}))
    assert registry.followers == [(OWN, "churn", "blue")]


@pytest.mark.parametrize(
    "other", [{"uri": "s3://b", "digest": DIGEST}, {"registry": {"name": "churn", "version": "1"}}]
)
async def test_a_spec_without_alias_follows_nothing(
    models: Models, registry: InMemoryRegistry, other: dict[str, Any]
) -> None:
    await models.pin("uid", "team", ALIAS)
    await models.pin("uid", "team", source(**other))
    assert registry.followers == []


async def test_an_object_that_is_forgotten_follows_nothing(models: Models, registry: InMemoryRegistry) -> None:
    await models.pin("uid", "team", ALIAS)
    models.forget("uid")
    models.forget("uid")
    assert registry.followers == []


async def test_an_outage_is_a_transient_problem(models: Models, registry: InMemoryRegistry) -> None:
    registry.down = Unavailable("MLflow did not answer")
    assert await models.pin("uid", "team", ALIAS) == Problem("Unavailable", "MLflow did not answer", transient=True)


async def test_a_refused_login_is_not(models: Models, registry: InMemoryRegistry) -> None:
    registry.down = Forbidden("MLflow refused the login")
    problem = await models.pin("uid", "team", ALIAS)
    assert problem == Problem("Forbidden", "MLflow refused the login", transient=False)


async def test_an_alias_that_does_not_exist_is_followed_until_it_does(
    models: Models, registry: InMemoryRegistry, woken: list[str]
) -> None:
    spec = source(registry={"name": "churn", "alias": "soon"})
    assert isinstance(await models.pin("uid", "team", spec), Problem)
    registry.move("soon", "1")
    assert woken == ["uid"]


THEIRS = source(registry={"name": "churn", "alias": "challenger"}, connectionRef={"name": "theirs"})


@dataclass
class Tenants:
    """Objects whose logins come from Secrets of their namespaces."""

    kube: InMemoryKube
    registry: InMemoryRegistry
    models: Models
    woken: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls) -> Tenants:
        kube, registry, woken = InMemoryKube(), InMemoryRegistry(), list[str]()
        registry.publish("1", "challenger")
        for team in ("team", "other"):
            kube.secrets[team, "theirs"] = {"url": "http://other", "token": "old"}
        connections = Connections(kube, default=OWN, read_secrets=True)
        return cls(kube, registry, Models(registry, connections, References(woken.append), woken.append), woken)

    def logins(self) -> list[str | None]:
        """With which tokens aliases are asked for."""
        return [connection.token for connection, _, _ in self.registry.followers]


def test_a_login_that_changed_is_not_used_after_a_poll_not_even_before_the_next_pass() -> None:
    async def story() -> None:
        tenants = Tenants.begin()
        await tenants.models.pin("uid", "team", THEIRS)
        assert (tenants.logins(), tenants.models.changed_secret("uid")) == (["old"], None)
        tenants.kube.secrets["team", "theirs"]["token"] = "new"
        await asyncio.sleep(15.0)
        assert (tenants.logins(), tenants.woken) == ([], ["uid"])
        await tenants.models.pin("uid", "team", THEIRS)
        assert tenants.logins() == ["new"]
        assert [tenants.models.changed_secret("uid") for _ in range(2)] == ["theirs", None]
        assert [connection.token for connection in tenants.registry.abandoned] == ["old"]

    virtual_time.run(story())


def test_a_secret_that_is_deleted_ends_the_polls_with_its_login() -> None:
    async def story() -> None:
        tenants = Tenants.begin()
        await tenants.models.pin("uid", "team", THEIRS)
        del tenants.kube.secrets["team", "theirs"]
        await asyncio.sleep(15.0)
        assert (tenants.logins(), tenants.woken) == ([], ["uid"])
        problem = await tenants.models.pin("uid", "team", THEIRS)
        assert isinstance(problem, Problem)
        assert problem.reason == "ConnectionNotFound"
        assert [connection.token for connection in tenants.registry.abandoned] == ["old"]

    virtual_time.run(story())


def test_the_login_of_another_namespace_is_not_lost_with_it() -> None:
    """Both have the same one, by Secrets of their own; the champion is followed with it as well."""

    async def story() -> None:
        tenants = Tenants.begin()
        both = source(
            registry={"name": "churn", "alias": "challenger", "championAlias": "champion"},
            connectionRef={"name": "theirs"},
        )
        for uid, namespace in (("uid", "team"), ("other", "other")):
            pinned = await tenants.models.pin(uid, namespace, both)
            await tenants.models.champion_first(uid, namespace, both, pinned)
        assert tenants.logins() == ["old"] * 4
        del tenants.kube.secrets["team", "theirs"]
        await asyncio.sleep(15.0)
        assert (tenants.logins(), {*tenants.woken}) == (["old"] * 2, {"uid"})
        await tenants.models.pin("uid", "team", both)
        assert tenants.registry.abandoned == []
        tenants.models.forget("other")
        assert len(tenants.registry.abandoned) == 1
        tenants.kube.reads.clear()
        await asyncio.sleep(600.0)
        assert tenants.kube.reads == []

    virtual_time.run(story())


async def test_another_secret_in_the_spec_is_no_news() -> None:
    tenants = Tenants.begin()
    tenants.kube.secrets["team", "else"] = {"url": "http://other", "token": "else"}
    await tenants.models.pin("uid", "team", THEIRS)
    await tenants.models.pin("uid", "team", THEIRS.model_copy(update={"connection_ref": LocalRef(name="else")}))
    assert (tenants.logins(), tenants.models.changed_secret("uid")) == (["else"], None)
