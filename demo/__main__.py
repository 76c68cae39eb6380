"""``make demo``: see demo/__init__.py. Exit status 0 only if every outcome was observed."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from demo import next_steps, operator, stack
from demo.kubectl import KubectlError
from demo.loop import page as loop_page
from demo.loop import report as loop_report
from demo.loop import story as loop
from demo.registry import Registry
from demo.rollout import report as rollout_report
from demo.rollout import story as rollout
from demo.training import report as training_report
from demo.training import story as training
from demo.watching import DemoFailedError, Watcher
from localcluster import LocalClusterError
from localcluster.binaries import locate
from localcluster.files import user_cache

__all__ = ["main"]


def main() -> int:
    """Play the demo; 0 if all that it promises was observed."""
    arguments = _arguments()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)
    began = time.monotonic()
    try:
        with _stack(arguments) as where:
            broken = _play(where, arguments, console)
            if arguments.keep and where.cluster is not None and not broken and not arguments.loop:
                _say_what_next(where, arguments, console)
    except (DemoFailedError, KubectlError, LocalClusterError, RuntimeError) as error:
        broken = [str(error)]
    for promise in broken:
        console.print(f"[red]not as promised:[/] {promise}", markup=True)
    console.print(f"{'failed' if broken else 'all outcomes observed'} after {time.monotonic() - began:.0f} s")
    return 1 if broken else 0


def _play(where: stack.Stack, arguments: argparse.Namespace, console: Console) -> list[str]:
    console.print("installing crds/ and config/ (namespace, ServiceAccount, RBAC)")
    where.install()
    if arguments.train:
        return _play_training(where, arguments, console)
    if arguments.loop:
        return _play_loop(where, arguments, console)
    registry = Registry(where.mlflow_url)
    console.print("training three versions of a model on a real data set and registering them")
    console.print(registry.train())
    with _operator(where, arguments, console) as operator_runs:
        watcher = Watcher(where.kubectl, rollout.NAME, console, operator_runs)
        story = asyncio.run(rollout.play(where, registry, watcher, arguments.rate))
    rollout_report.show(story, console)
    return list(rollout_report.broken_promises(story))


def _play_training(where: stack.Stack, arguments: argparse.Namespace, console: Console) -> list[str]:
    with _operator(where, arguments, console) as operator_runs:
        story = asyncio.run(training.play(where, console, operator_runs))
    training_report.show(story, console)
    return list(training_report.broken_promises(story))


def _play_loop(where: stack.Stack, arguments: argparse.Namespace, console: Console) -> list[str]:
    with _operator(where, arguments, console) as operator_runs:
        story = asyncio.run(loop.play(where, console, operator_runs, arguments.rate / 3))
    loop_report.show(story, console)
    picture = arguments.directory / "loop.html"
    picture.write_text(loop_page.render(story), encoding="utf-8")
    console.print(f"pictures: {picture}", soft_wrap=True)
    return list(loop_report.broken_promises(story))


@contextmanager
def _operator(where: stack.Stack, arguments: argparse.Namespace, console: Console) -> Iterator[Callable[[], bool]]:
    """The operator while a story is played; gives whether it still runs. Where the story fails, its last words."""
    log = arguments.directory / "operator.log"
    with operator.running(where, log, keep=arguments.keep) as operator_runs:
        try:
            yield operator_runs
        except BaseException:
            console.print(f"the operator's log is in {log}; its end:\n{_tail(log)}", markup=False)
            raise


@contextmanager
def _stack(arguments: argparse.Namespace) -> Iterator[stack.Stack]:
    arguments.directory.mkdir(parents=True, exist_ok=True)
    if arguments.kubeconfig is None:
        with stack.local(arguments.directory / "cluster", keep=arguments.keep) as where:
            yield where
        return
    kubectl = locate(["kubectl"], print)["kubectl"]
    urls = (arguments.mlflow_url, arguments.prometheus_url, arguments.gateway_url)
    if not all(urls):
        raise RuntimeError("with KUBECONFIG, say where things are: MLFLOW_URL=, PROMETHEUS_URL=, GATEWAY_URL=")
    yield stack.given(arguments.kubeconfig, kubectl, *urls)


def _say_what_next(where: stack.Stack, arguments: argparse.Namespace, console: Console) -> None:
    """Leave request bodies in a file, and print commands that use them."""
    bodies = arguments.directory.absolute() / "requests.jsonl"
    story = training if arguments.train else rollout
    bodies.write_text("".join(f"{body}\n" for body in story.request_bodies()))
    served = next_steps.Served(story.NAME, story.HOST, bodies, taken_back=not arguments.train)
    console.print(next_steps.page(where, served), markup=False, soft_wrap=True)


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="A model earns its traffic with evidence.")
    parser.add_argument("--directory", type=Path, default=user_cache() / "demo", help="where state and logs go")
    parser.add_argument("--keep", action="store_true", help="leave the cluster up")
    parser.add_argument("--train", action="store_true", help="play the training demo instead")
    parser.add_argument("--loop", action="store_true", help="play the loop: drift, training, promotion; broken data")
    parser.add_argument("--rate", type=float, default=24.0, help="requests a second (default 24)")
    parser.add_argument("--kubeconfig", type=Path, help="use this cluster")
    parser.add_argument("--mlflow-url")
    parser.add_argument("--prometheus-url")
    parser.add_argument("--gateway-url")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
