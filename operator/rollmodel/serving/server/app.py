"""The ASGI application: MLflow's own, with an inference path that is measured, and two paths that it lacks.

``/ping``, ``/health``, ``/version`` and all else go to MLflow's application unchanged. ``/invocations`` calls the same
scoring function, without the two layers of middleware in between, which pays for the metrics several times over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

from prometheus_client import CONTENT_TYPE_LATEST

from rollmodel.serving.pairs.start import MOST_ASKED_BYTES, Pairs
from rollmodel.serving.predictions import identity
from rollmodel.serving.server.metrics import ServerMetrics
from rollmodel.serving.server.scoring import Answer, Scorer

__all__ = ["Readiness", "ServerApp"]

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

TOO_SLOW = Answer(504, b"Request processing time exceeded limit")
TOO_SLOW_TO_SEND = Answer.error(408, "REQUEST_TIMEOUT", "the request did not arrive within the time limit")
TOO_LARGE = Answer.error(413, "REQUEST_LIMIT_EXCEEDED", "the request is larger than this server takes")
NOT_SERVED = Answer.error(500, "INTERNAL_ERROR", "the server could not handle the request; its log has the details")

logger = logging.getLogger("rollmodel.serve")


@dataclass(slots=True)
class Readiness:
    """What ``/ready`` says: the model has answered its input example (``tried``); the server is about to end."""

    tried: bool
    draining: bool = False


class _TooLarge(Exception):
    """The body is larger than the limit."""


class _ClientGone(Exception):
    """The client hung up before its request was complete."""


class ServerApp:
    """Serves one loaded model.

    ``timeout`` in seconds, as MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT; ``max_bytes`` is the largest body that is taken.
    ``names_predictions``: each inference has an id, which its answer carries. ``pairs`` answers other pods.
    """

    def __init__(
        self,
        scorer: Scorer,
        mlflow_app: Asgi,
        metrics: ServerMetrics,
        readiness: Readiness,
        *,
        timeout: float,
        max_bytes: int,
        names_predictions: bool = False,
        pairs: Pairs | None = None,
    ) -> None:
        self._pairs = pairs
        self._names_predictions = names_predictions
        self._max_bytes = max_bytes
        self._scorer = scorer
        self._mlflow_app = mlflow_app
        self._metrics = metrics
        self._readiness = readiness
        self._timeout = timeout
        self._routes = {
            ("POST", "/invocations"): self._invocations,
            ("GET", "/ready"): self._ready,
            ("GET", "/metrics"): self._render_metrics,
            **({("POST", "/pairs"): self._recent_answers} if pairs is not None else {}),
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection scope."""
        route = (scope.get("method"), scope.get("path"))
        await self._routes.get(route, self._mlflow_app)(scope, receive, send)  # type: ignore[arg-type]

    async def _invocations(self, scope: Message, receive: Receive, send: Send) -> None:
        content_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
        begin: float | None = None
        told: list[tuple[bytes, bytes]] | None = None
        if self._names_predictions:
            name = identity.prediction_id(scope["headers"])
            identity.current.set(name)
            told = [(identity.HEADER, name.encode())]
        try:
            async with asyncio.timeout(self._timeout):
                body = await _read(receive, self._max_bytes)
                begin = perf_counter()
                answer = await asyncio.to_thread(self._score, body, content_type)
        except TimeoutError:
            answer = TOO_SLOW if begin else TOO_SLOW_TO_SEND
        except _TooLarge:
            answer = TOO_LARGE
        except _ClientGone:
            return
        except Exception:
            logger.exception("request not served")
            answer = NOT_SERVED
        self._metrics.observe(answer.status, perf_counter() - begin if begin else 0.0)
        await self._send(send, answer, told)

    def _score(self, body: bytes, content_type: bytes) -> Answer:
        if self._pairs is not None:
            self._pairs.begin(body, content_type)
        return self._scorer.score(body, content_type.decode("latin-1"))

    async def _ready(self, scope: Message, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI
        checked = "input example" if self._readiness.tried else "no input example"
        status, text = (503, "draining") if self._readiness.draining else (200, f"ready; checked: {checked}")
        headers = [(b"x-rollmodel-checked", checked.encode())]
        await self._send(send, Answer(status, f"{text}\n".encode(), "text/plain"), headers)

    async def _recent_answers(self, scope: Message, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI
        """What this pod answered to questions that another pod has answered, too."""
        assert self._pairs is not None  # noqa: S101 - else there is no such route
        try:
            async with asyncio.timeout(self._timeout):
                answer = Answer(200, self._pairs.answered(await _read(receive, MOST_ASKED_BYTES)))
        except (ValueError, TypeError, KeyError):
            answer = Answer.error(400, "BAD_REQUEST", "the request must be a list of questions")
        except (TimeoutError, _TooLarge):
            answer = TOO_LARGE
        except _ClientGone:
            return
        await self._send(send, answer)

    async def _render_metrics(self, scope: Message, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI
        await self._send(send, Answer(200, self._metrics.render(), CONTENT_TYPE_LATEST))

    async def _send(self, send: Send, answer: Answer, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        """Send a whole answer; while draining, ask the client to take its next request elsewhere."""
        all_headers = [
            (b"content-type", answer.media_type.encode()),
            (b"content-length", str(len(answer.body)).encode()),
            *(headers or ()),
            *([(b"connection", b"close")] if self._readiness.draining else ()),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": all_headers})
        await send({"type": "http.response.body", "body": answer.body})


async def _read(receive: Receive, limit: int) -> bytes:
    """The whole body of a request. Raises _ClientGone where it never becomes whole, and _TooLarge."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _TooLarge
        if not message.get("more_body", False):
            return b"".join(parts)
