"""``make demo``: see demo/__init__.py. Exit status 0 only if every outcome was observed."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from demo import operator, stack
from demo.kubectl import KubectlError
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
            if arguments.keep and where.cluster is not None and not broken:
                _say_what_next(where, console)
    except (DemoFailedError, KubectlError, LocalClusterError, RuntimeError) as error:
        broken = [str(error)]
    for promise in broken:
        console.print(f"[red]not as promised:[/] {promise}", markup=True)
    console.print(f"{'failed' if broken else 'all outcomes observed'} after {time.monotonic() - began:.0f} s")
    return 1 if broken else 0


def _play(where: stack.Stack, arguments: argparse.Namespace, console: Console) -> list[str]:
    _install(where, console)
    if arguments.train:
        return _play_training(where, arguments, console)
    registry = Registry(where.mlflow_url)
    console.print("training three versions of a model on a real data set and registering them")
    console.print(registry.train())
    log = arguments.directory / "operator.log"
    with operator.running(where, log, keep=arguments.keep) as operator_runs:
        watcher = Watcher(where.kubectl, rollout.NAME, console, operator_runs)
        try:
            story = asyncio.run(rollout.play(where, registry, watcher, arguments.rate))
        except BaseException:
            console.print(f"the operator's log is in {log}; its end:\n{_tail(log)}", markup=False)
            raise
    rollout_report.show(story, console)
    return list(rollout_report.broken_promises(story))


def _play_training(where: stack.Stack, arguments: argparse.Namespace, console: Console) -> list[str]:
    log = arguments.directory / "operator.log"
    with operator.running(where, log, keep=arguments.keep) as operator_runs:
        try:
            story = asyncio.run(training.play(where, console, operator_runs))
        except BaseException:
            console.print(f"the operator's log is in {log}; its end:\n{_tail(log)}", markup=False)
            raise
    training_report.show(story, console)
    return list(training_report.broken_promises(story))


def _install(where: stack.Stack, console: Console) -> None:
    """``kubectl apply -k .`` without the Deployment: here the operator runs beside the cluster."""
    console.print("installing crds/ and config/ (namespace, ServiceAccount, RBAC)")
    system = replace(where.kubectl, namespace=stack.OPERATOR_NAMESPACE)
    for part in ("crds", "config/namespace.yaml", "config/rbac.yaml"):
        system.run("apply", "--server-side", "--filename", str(stack.ROOT / part))
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": where.kubectl.namespace, "labels": restricted}
    where.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


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


def _say_what_next(where: stack.Stack, console: Console) -> None:
    console.print(
        f"""
The cluster stays up until `make demo-down`. Try:
  export KUBECONFIG={where.kubectl.kubeconfig}
  kubectl get mdep -n {where.kubectl.namespace}
  kubectl describe mdep -n {where.kubectl.namespace} {rollout.NAME}
  .venv/bin/rollmodel explain -n {where.kubectl.namespace} {rollout.NAME}
  .venv/bin/rollmodel retry -n {where.kubectl.namespace} {rollout.NAME}
MLflow {where.mlflow_url}   Prometheus {where.prometheus_url}   gateway {where.gateway_url} (Host: {rollout.HOST})""",
        markup=False,
    )


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="A model earns its traffic with evidence.")
    parser.add_argument("--directory", type=Path, default=user_cache() / "demo", help="where state and logs go")
    parser.add_argument("--keep", action="store_true", help="leave the cluster up")
    parser.add_argument("--train", action="store_true", help="play the training demo instead")
    parser.add_argument("--rate", type=float, default=40.0, help="requests a second (default 40)")
    parser.add_argument("--kubeconfig", type=Path, help="use this cluster")
    parser.add_argument("--mlflow-url")
    parser.add_argument("--prometheus-url")
    parser.add_argument("--gateway-url")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
