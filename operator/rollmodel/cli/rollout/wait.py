"""``rollmodel wait``: until a version has won, lost, or serves. It never answers for what was before the call."""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from time import monotonic as now
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import MERGE_PATCH
from rollmodel.cli.common import cluster
from rollmodel.cli.common.cluster import MODEL_DEPLOYMENT, Session
from rollmodel.cli.common.follow import follow
from rollmodel.cli.rollout.ending import GOALS, Ending, Expectation, now_doing
from rollmodel.errors import Forbidden, RollmodelError
from rollmodel.plan.deployment.strategies.commands import REFRESH

__all__ = ["INTERRUPTED", "TIMED_OUT", "ask_for_look", "main", "until_ended"]

_DESCRIPTION = (
    "Wait for one version of a ModelDeployment, and say every ten seconds at least what goes on. Exit code 0: it came"
    " as was waited for; 1: it ended in another way, or needs a person; 3: not known within --timeout."
)
TIMED_OUT = 3
#: Exit code after Ctrl-C, as shells have it.
INTERRUPTED = 130
#: The longest silence, in seconds.
SILENCE_SECONDS = 10.0

Say = Callable[[dict[str, Any]], None]


def main(argv: Sequence[str]) -> int:
    """Run the command; see the description for the exit codes."""
    arguments = _parser().parse_args(argv)
    version = arguments.version.removeprefix("v") if arguments.version else None
    expected = Expectation(version, arguments.goal)
    try:
        ended = cluster.run(
            arguments.namespace,
            arguments.kubeconfig,
            lambda session: _wait(session, arguments.name, expected, arguments.timeout),
        )
    except RollmodelError as error:
        print(f"rollmodel wait: {error}", file=sys.stderr)
        return 1
    except TimeoutError:
        wish = f"{arguments.goal} of v{expected.version}" if expected.version else arguments.goal
        print(f"rollmodel wait: {wish}: not known within {arguments.timeout:g} s", file=sys.stderr)
        return TIMED_OUT
    except KeyboardInterrupt:
        return INTERRUPTED
    print(ended.text)
    return 0 if ended.good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rollmodel wait", description=_DESCRIPTION)
    parser.add_argument("name", help="name of the ModelDeployment")
    cluster.add_arguments(parser)
    parser.add_argument("--version", metavar="VERSION", help="of the model (default: the one that is wanted now)")
    parser.add_argument(
        "--for", dest="goal", choices=GOALS, default="serving", help="what is waited for (default: serving, which is"
        " promoted with all pods ready)"
    )  # fmt: skip
    parser.add_argument("--timeout", type=float, default=600.0, metavar="SECONDS", help="how long (default: 600)")
    return parser


async def _wait(session: Session, name: str, expected: Expectation, seconds: float) -> Ending:
    async with asyncio.timeout(seconds):
        await ask_for_look(session, name)
        return await until_ended(session, name, expected, _print)


def _print(manifest: dict[str, Any]) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S}  {now_doing(manifest)}", flush=True)


async def ask_for_look(session: Session, name: str) -> None:
    """Have the registry read now: what status says before that is about what was before.

    A login that may not write goes on without, and says so.
    """
    await session.get(MODEL_DEPLOYMENT, name)  # the better message where there is none
    body = {"metadata": {"annotations": {REFRESH: datetime.now(UTC).isoformat()}}}
    path, query = MODEL_DEPLOYMENT.path(session.namespace, name), {"fieldManager": cluster.FIELD_MANAGER}
    try:
        await session.server.request("PATCH", path, query=query, body=body, content_type=MERGE_PATCH)
    except Forbidden:
        message = "this login may not ask the operator to read the registry: an alias that just moved may be missed"
        print(message, file=sys.stderr)


async def until_ended(session: Session, name: str, expected: Expectation, say: Say) -> Ending:
    """Follow the object until its rollout has ended; ``say`` is called when what goes on changes, and in silence.

    A rollout that is judged is written every few seconds, though what it does is the same: that is silence, too.
    """
    said, at = None, -math.inf
    async with aclosing(_with_ticks(follow(session, MODEL_DEPLOYMENT, name))) as looks:
        async for manifest, due in looks:
            ended = expected.ending(manifest)
            doing = now_doing(manifest)
            silent = due or now() - at >= SILENCE_SECONDS
            if ended is not None or silent or doing != said:
                say(manifest)
                said, at = doing, now()
            if ended is not None:
                return ended
    raise AssertionError("an object is followed for ever")


async def _with_ticks(
    versions: AsyncGenerator[dict[str, Any], None],
) -> AsyncGenerator[tuple[dict[str, Any], bool], None]:
    """Each version of the object, and the last one again (with True) where nothing has come for a while."""
    manifest: dict[str, Any] | None = None
    upcoming = asyncio.ensure_future(anext(versions))
    try:
        while True:
            done, _ = await asyncio.wait({upcoming}, timeout=SILENCE_SECONDS)
            if done:
                manifest = upcoming.result()
                upcoming = asyncio.ensure_future(anext(versions))
            if manifest is not None:
                yield manifest, not done
    finally:
        upcoming.cancel()
        with suppress(asyncio.CancelledError, RollmodelError):
            await upcoming
        await versions.aclose()
