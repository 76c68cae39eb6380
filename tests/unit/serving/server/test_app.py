"""The application as a client, a probe and Prometheus see it."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from rollmodel.serving.server.app import Readiness, ServerApp
from rollmodel.serving.server.metrics import BUCKETS_SECONDS, ServerMetrics
from rollmodel.serving.server.scoring import Answer


class Scorer:
    """Answers what the test says, when it says."""

    def __init__(self, answer: Callable[[bytes, str], Answer]) -> None:
        self.score = answer


async def mlflow_app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


def echo(body: bytes, content_type: str) -> Answer:
    return Answer(200, body + content_type.encode())


def server(answer: Callable[[bytes, str], Answer] = echo, *, timeout: float = 5.0, tried: bool = True) -> ServerApp:
    metrics = ServerMetrics({"model_id": "m-1"})
    scorer, readiness = Scorer(answer), Readiness(tried=tried)
    return ServerApp(scorer, mlflow_app, metrics, readiness, timeout=timeout, max_bytes=1000)  # type: ignore[arg-type]


def client(app: ServerApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://model")


async def samples(app: ServerApp) -> dict[str, float]:
    """Every sample of /metrics by name and labels."""
    async with client(app) as http:
        text = (await http.get("/metrics")).text
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def requests(code: int) -> str:
    return f"rollmodel_server_requests_total[('code', '{code}')]"


COUNT = "rollmodel_server_request_duration_seconds_count[]"


async def test_an_inference_is_answered_and_counted_with_its_code() -> None:
    app = server(lambda body, _: Answer(int(body), b"x"))
    async with client(app) as http:
        answers = [await http.post("/invocations", content=str(code)) for code in (200, 200, 400, 500)]
    assert [answer.status_code for answer in answers] == [200, 200, 400, 500]
    found = await samples(app)
    assert [found[requests(code)] for code in (200, 400, 500)] == [2, 1, 1]
    assert found[COUNT] == 4


async def test_body_and_content_type_reach_the_model() -> None:
    async def pieces() -> Any:
        yield b"a"
        yield b"b"

    async with client(server()) as http:
        answer = await http.post("/invocations", content=pieces(), headers={"content-type": "text/csv"})
    assert answer.text == "abtext/csv"


async def test_everything_else_is_mlflows_and_not_counted() -> None:
    app = server()
    async with client(app) as http:
        for method, path in [("GET", "/ping"), ("GET", "/version"), ("GET", "/invocations"), ("POST", "/ready")]:
            answer = await http.request(method, path)
            assert (answer.status_code, answer.text) == (418, path)
        await http.get("/ready")
    assert (await samples(app))[COUNT] == 0


async def test_codes_are_counted_from_zero_on() -> None:
    found = await samples(server())
    assert {found[requests(code)] for code in (200, 400, 500, 504)} == {0}


async def test_the_buckets_tell_milliseconds_from_minutes() -> None:
    assert len(BUCKETS_SECONDS) == 15
    assert (BUCKETS_SECONDS[0], BUCKETS_SECONDS[-1]) == (0.001, 60)
    steps = [upper / lower for lower, upper in itertools.pairwise(BUCKETS_SECONDS)]
    assert max(steps) <= 3


async def test_the_model_is_named() -> None:
    assert (await samples(server()))["rollmodel_server_model_info[('model_id', 'm-1')]"] == 1


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """A model that takes its time: until the test lets it go."""
    event = threading.Event()
    yield event
    event.set()


async def test_a_model_that_takes_too_long_is_an_error_of_the_model(gate: threading.Event) -> None:
    app = server(lambda *_: Answer(200, str(gate.wait()).encode()), timeout=0.05)
    async with client(app) as http:
        answer = await http.post("/invocations")
    assert answer.status_code == 504
    found = await samples(app)
    assert found[requests(504)] == found[COUNT] == 1


async def call(app: ServerApp, receive: Callable[[], Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": "POST", "path": "/invocations", "headers": []}, receive, send)
    return sent


async def test_a_request_that_does_not_arrive_is_the_clients_fault() -> None:
    app = server(timeout=0.05)
    sent = await call(app, asyncio.Event().wait)
    assert sent[0]["status"] == 408
    assert (await samples(app))[requests(408)] == 1


async def test_a_request_that_is_too_large_is_refused_and_not_read_on() -> None:
    app, parts = server(), iter([400, 600, 1])
    read: list[int] = []

    async def receive() -> dict[str, Any]:
        read.append(next(parts))
        return {"type": "http.request", "body": b"x" * read[-1], "more_body": True}

    sent = await call(app, receive)
    assert (sent[0]["status"], read) == (413, [400, 600, 1])
    assert (await samples(app))[requests(413)] == 1


async def test_a_client_that_hangs_up_is_not_counted() -> None:
    app = server()

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    assert await call(app, receive) == []
    assert (await samples(app))[COUNT] == 0


async def test_a_failure_of_ours_is_an_error_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> Answer:
        raise RuntimeError("can't start new thread")

    app = server(broken)
    async with client(app) as http:
        assert (await http.post("/invocations")).status_code == 500
    assert (await samples(app))[requests(500)] == 1
    assert "can't start new thread" in caplog.text


async def test_requests_are_answered_while_another_is_in_the_model(gate: threading.Event) -> None:
    app = server(lambda body, _: Answer(200, b"slow" if body and gate.wait() else b"quick"))
    async with client(app) as http:
        slow = asyncio.create_task(http.post("/invocations", content=b"1"))
        assert (await http.post("/invocations")).text == "quick"
        gate.set()
        assert (await slow).text == "slow"


@pytest.mark.parametrize(("tried", "checked"), [(True, "input example"), (False, "no input example")])
async def test_ready_says_what_was_checked(tried: bool, checked: str) -> None:
    async with client(server(tried=tried)) as http:
        answer = await http.get("/ready")
    assert (answer.status_code, answer.headers["x-rollmodel-checked"]) == (200, checked)


async def test_while_draining_it_serves_but_is_not_ready_and_keeps_no_connection() -> None:
    app = server()
    app._readiness.draining = True
    async with client(app) as http:
        assert (await http.get("/ready")).status_code == 503
        answer = await http.post("/invocations", content=b"x")
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
