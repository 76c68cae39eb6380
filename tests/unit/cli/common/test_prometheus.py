"""Commands that ask Prometheus reach the same ones as the operator does."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from aiohttp import web
from rollmodel.cli.common import prometheus
from rollmodel.errors import Invalid

from tests.support.servers.web import serve

EMPTY = {"status": "success", "data": {"resultType": "matrix", "result": []}}


def parsed(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--prometheus", default="http://nowhere")
    prometheus.add_arguments(parser)
    return parser.parse_args(argv)


async def test_tenant_and_token_are_sent(tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("X-Scope-OrgID: team-a\n")
    (tmp_path / "token").write_text("abc\n")
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response(EMPTY)

    async with serve(answer) as server:
        files = (f"--prometheus-headers-file={tmp_path / 'headers'}", f"--prometheus-token-file={tmp_path / 'token'}")
        metrics = prometheus.connected(parsed(f"--prometheus={server.url}", *files))
        assert await metrics.query_range("up", start=0, end=10, step=10) == []
        metrics.close()
    assert seen[0].headers["X-Scope-OrgID"] == "team-a"
    assert seen[0].headers["Authorization"] == "Bearer abc"


def test_matchers_are_read_as_the_settings_are() -> None:
    assert (
        prometheus.matchers(parsed('--prometheus-matchers=cluster="eu-1", replica!="b"'))
        == 'cluster="eu-1",replica!="b"'
    )
    with pytest.raises(Invalid, match="--prometheus-matchers: must be PromQL matchers"):
        prometheus.matchers(parsed("--prometheus-matchers=eu-1"))


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--prometheus-ca-file=gone.pem",), "--prometheus-ca-file gone.pem cannot be read: No such file"),
        (("--prometheus-client-key-file=gone.pem",), "needs --prometheus-client-certificate-file"),
        (("--prometheus-headers-file={}",), "header 1 must be `Name: value`"),
    ],
)
def test_what_cannot_be_used_is_said_without_its_value(argv: tuple[str, ...], words: str, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("s3cret")
    with pytest.raises(Invalid) as error:
        prometheus.connected(parsed(*(one.format(tmp_path / "bad") for one in argv)))
    assert words in str(error.value)
    assert "s3cret" not in str(error.value)
