"""What a store may say, what it may not, and what its refusals mean."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.errors import Forbidden, Invalid, NotFound, RollmodelError, Unavailable
from rollmodel.serving.sources import RemoteFile, checked_path
from rollmodel.serving.sources.factory import open_source, web_login
from rollmodel.serving.sources.local import LocalFiles
from rollmodel.serving.sources.registry import MlflowArtifacts, MlflowServer
from rollmodel.serving.sources.web import HttpArchive, HttpFile

from tests.support.servers.tls import PrivateTls
from tests.support.servers.web import serve
from tests.unit.serving.conftest import Store

UNSAFE = ["", ".", "..", "../x", "a/../x", "/etc/passwd", "a//b", "a/", "./a", "a\\..\\b", "a\nb", "a\0b", "C:\\x"]


@pytest.mark.parametrize("path", UNSAFE)
def test_unsafe_names_are_refused(path: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_path(path)
    assert caught.value.reason == "UnsafePath"


@given(st.text(max_size=12))
def test_what_is_accepted_stays_below_the_folder(path: str) -> None:
    try:
        joined = Path("/model") / checked_path(path)
    except Invalid:
        return
    assert joined.resolve().is_relative_to("/model")
    assert joined != Path("/model")


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("/mnt/pvc/model", LocalFiles),
        ("file:///mnt/my%20model", LocalFiles),
        ("https://store.example/model.onnx", HttpFile),
        ("https://store.example/model.tar.gz?signature=x", HttpArchive),
    ],
)
def test_the_scheme_chooses_the_source(uri: str, kind: type) -> None:
    assert isinstance(open_source(uri), kind)


@pytest.mark.parametrize("uri", ["gs://bucket/x", "pvc://claim/x", "hf://org/x"])
def test_other_schemes_are_refused_with_what_is_supported(uri: str) -> None:
    with pytest.raises(Invalid, match="supported are models:/") as caught:
        open_source(uri)
    assert caught.value.reason == "Unsupported"


@pytest.mark.parametrize(
    ("uri", "env", "logs_in"),
    [
        ("https://store.example/x", {"HTTPS_TOKEN": "t"}, True),
        ("https://store.example/x", {"HTTPS_USERNAME": "u", "HTTPS_PASSWORD": "p"}, True),
        ("https://store.example/x", {"HTTPS_USERNAME": "u", "MLFLOW_TRACKING_TOKEN": "t"}, False),
        ("http://store.example/x", {"HTTPS_TOKEN": "t"}, False),
        ("s3://bucket/x", {"HTTPS_TOKEN": "t"}, False),
    ],
)
def test_only_https_is_logged_in_to(uri: str, env: dict[str, str], logs_in: bool) -> None:
    assert (web_login(uri, env) is not None) is logs_in


def test_credentials_do_not_follow_a_redirect_to_another_host(store: Store) -> None:
    store.files["/model"] = b"12"
    store.redirect = {"/here": "/model", "/there": f"http://localhost:{store.url.rpartition(':')[2]}/model"}
    auth = web_login("https://store.example", {"HTTPS_TOKEN": "hush"})
    for path in ("/here", "/there"):
        assert HttpFile(store.url + path, auth).list() == [RemoteFile(path[1:], 2)]
    seen = [(path, authorization) for path, _, authorization in store.seen]
    assert seen == [("/here", "Bearer hush"), ("/model", "Bearer hush"), ("/there", "Bearer hush"), ("/model", None)]


@pytest.mark.parametrize(
    ("status", "text", "kind", "reason"),
    [
        (401, "", Forbidden, "Unauthorized"),
        (403, "", Forbidden, "Unauthorized"),
        (403, "Invalid Host header - possible DNS rebinding attack detected", Forbidden, "HostNotAllowed"),
        (404, "", NotFound, "NotFound"),
        (410, "", NotFound, "NotFound"),
        (429, "", Unavailable, "Unreachable"),
        (503, "", Unavailable, "Unreachable"),
        (400, "", Invalid, "Invalid"),
    ],
)
def test_what_an_http_refusal_means(
    store: Store, status: int, text: str, kind: type[RollmodelError], reason: str
) -> None:
    store.status["/model"] = (status, text)
    with pytest.raises(kind) as caught:
        HttpFile(f"{store.url}/model?signature=hush").list()
    assert caught.value.reason == reason
    assert "hush" not in str(caught.value)


def test_a_url_never_shows_its_secrets(store: Store) -> None:
    with pytest.raises(Unavailable) as caught:
        HttpFile("http://user:hush@127.0.0.1:1/model?signature=hush").list()
    assert "hush" not in str(caught.value)


# MLflow, as far as its answers are concerned; the real server is asked in tests/cluster/serving.


@pytest.fixture
def server(store: Store) -> MlflowServer:
    return MlflowServer({"MLFLOW_TRACKING_URI": store.url})


def says(store: Store, path: str, answer: dict[str, Any]) -> None:
    store.files[path] = json.dumps(answer).encode()


@pytest.mark.parametrize(
    ("env", "header"),
    [
        ({}, None),
        ({"MLFLOW_TRACKING_TOKEN": "t"}, "Bearer t"),
        ({"MLFLOW_TRACKING_USERNAME": "u", "MLFLOW_TRACKING_PASSWORD": "p"}, "Basic dTpw"),
        (
            {"MLFLOW_TRACKING_USERNAME": "u", "MLFLOW_TRACKING_PASSWORD": "p", "MLFLOW_TRACKING_TOKEN": "t"},
            "Basic dTpw",
        ),
        ({"MLFLOW_TRACKING_USERNAME": "u"}, None),
    ],
)
def test_logging_in(store: Store, env: dict[str, str], header: str | None) -> None:
    says(store, "/api/2.0/mlflow/logged-models/m-1", {"model": {"info": {"artifact_uri": "s3://b/k"}}})
    assert MlflowServer({"MLFLOW_TRACKING_URI": store.url, **env}).artifact_uri("models:/m-1/sub") == "s3://b/k/sub"
    assert store.seen[0][2] == header


async def test_a_private_authority_is_trusted_where_it_is_named(tmp_path: Path) -> None:
    """As the pod gets it: the certificates themselves in the environment."""
    tls = PrivateTls.create(tmp_path)

    async def answer(request: web.Request) -> web.Response:
        found = {"model": {"info": {"artifact_uri": "s3://b/k"}}}
        return web.json_response(found, headers={"Connection": "close"})

    def found(url: str, **env: str) -> str:
        return MlflowServer({"MLFLOW_TRACKING_URI": url, **env}).artifact_uri("models:/m-1")

    async with serve(answer, tls.server()) as secure:
        assert await asyncio.to_thread(found, secure.url, ROLLMODEL_MLFLOW_CA=tls.pem) == "s3://b/k"
        with pytest.raises(Unavailable, match="local issuer certificate"):
            await asyncio.to_thread(found, secure.url)
    with pytest.raises(Invalid, match="certificates in PEM"):
        found("https://mlflow", ROLLMODEL_MLFLOW_CA="hunter2")


def test_the_tracking_uri_must_be_an_address() -> None:
    with pytest.raises(Invalid, match="MLFLOW_TRACKING_URI"):
        MlflowServer({"MLFLOW_TRACKING_URI": "sqlite:///x"})


@pytest.mark.parametrize("uri", ["models:/churn@champion", "models:/churn", "models:/churn/Production", "models:/"])
def test_what_is_not_pinned_is_refused(server: MlflowServer, uri: str) -> None:
    with pytest.raises(Invalid, match="not pinned"):
        server.artifact_uri(uri)


def test_credentials_are_not_carried_to_another_host(server: MlflowServer) -> None:
    with pytest.raises(Invalid, match="stay at home"):
        server.artifact_uri("mlflow-artifacts://elsewhere.example:5000/1/model")


def test_a_version_may_be_a_logged_model(store: Store, server: MlflowServer) -> None:
    says(store, "/api/2.0/mlflow/model-versions/get-download-uri", {"artifact_uri": "models:/m-7"})
    says(store, "/api/2.0/mlflow/logged-models/m-7", {"model": {"info": {"artifact_uri": "mlflow-artifacts:/1/m-7"}}})
    assert server.artifact_uri("models:/m-churn/3") == "mlflow-artifacts:/1/m-7"
    assert store.seen[0][0].endswith("?name=m-churn&version=3")


def test_a_version_that_is_a_copy_of_itself_is_not_followed_for_ever(store: Store, server: MlflowServer) -> None:
    says(store, "/api/2.0/mlflow/model-versions/get-download-uri", {"artifact_uri": "models:/churn/3"})
    with pytest.raises(Invalid, match="copy of a copy"):
        server.artifact_uri("models:/churn/3")
    assert len(store.seen) == 6


@pytest.mark.parametrize(
    ("name", "asked"),
    [("C# churn", "C%23+churn"), ("churn?", "churn%3F"), ("a+b 100%", "a%2Bb+100%25"), ("Prüfung", "Pr%C3%BCfung")],
)
def test_a_model_may_have_any_name_that_mlflow_allows(
    store: Store, server: MlflowServer, name: str, asked: str
) -> None:
    says(store, "/api/2.0/mlflow/model-versions/get-download-uri", {"artifact_uri": "mlflow-artifacts:/1/m-7"})
    assert server.artifact_uri(f"models:/{name}/3") == "mlflow-artifacts:/1/m-7"
    assert store.seen[0][0].endswith(f"?name={asked}&version=3")


def test_an_artifact_store_on_the_servers_disk_names_the_fix(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    says(store, "/api/2.0/mlflow/model-versions/get-download-uri", {"artifact_uri": "file:///mlruns/1/model"})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.url)
    with pytest.raises(Invalid, match="--artifacts-destination"):
        open_source("models:/churn/1")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\\b"])
def test_names_that_the_proxy_lists_are_checked(store: Store, server: MlflowServer, name: str) -> None:
    says(store, "/api/2.0/mlflow-artifacts/artifacts", {"files": [{"path": name, "is_dir": False, "file_size": 1}]})
    with pytest.raises(Invalid):
        MlflowArtifacts(server, "1/model").list()


def test_an_unknown_folder_of_the_proxy_is_not_found(store: Store, server: MlflowServer) -> None:
    says(store, "/api/2.0/mlflow-artifacts/artifacts", {})
    with pytest.raises(NotFound):
        MlflowArtifacts(server, "1/model").list()


def test_a_web_page_is_no_mlflow_server(store: Store, server: MlflowServer) -> None:
    store.files["/api/2.0/mlflow/runs/get"] = b"<html>"
    with pytest.raises(Invalid, match="not JSON"):
        server.artifact_uri("runs:/1/model")


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/iam",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1%25eth0]/",
        "http://metadata.google.internal./computeMetadata/v1/",
        "//169.254.169.254/latest",
        "http://2852039166/latest",
        "http://0xa9.254.43518/latest",
        "http://0251.0376.0251.0376/",
    ],
)
async def test_no_redirect_leads_to_where_a_cloud_hands_out_credentials(target: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    async with serve(answer) as server:
        source = HttpFile(f"{server.url}/model.onnx")
        with pytest.raises(Forbidden) as refused:
            await asyncio.to_thread(source.list)
    assert refused.value.reason == "UnsafeRedirect"


async def test_nor_does_a_redirect_to_a_name_that_resolves_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **more: Any) -> Any:
        return usual("169.254.169.254" if host == "innocent.example" else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://innocent.example/model.onnx"})

    async with serve(answer) as server:
        source = HttpFile(f"{server.url}/model.onnx")
        with pytest.raises(Forbidden) as refused:
            await asyncio.to_thread(source.list)
    assert refused.value.reason == "UnsafeRedirect"
