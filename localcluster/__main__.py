"""The command ``python -m localcluster``: start a cluster that stays, look at it, end it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from localcluster.cluster import Cluster, ProcessStatus
from localcluster.errors import LocalClusterError, NotRunningError
from localcluster.parts import PARTS, USUAL_PARTS
from localcluster.site import default_directory

__all__ = ["main"]


def _up(arguments: argparse.Namespace) -> None:
    """Start the cluster, or what is missing of it, and leave it running."""
    directory: Path = arguments.dir
    try:
        cluster = Cluster.attach(directory)
    except NotRunningError:
        cluster = Cluster.start(
            directory,
            parts=arguments.parts,
            audit=arguments.audit,
            scrape_interval=arguments.scrape_interval,
            images=arguments.images,
        )
        cluster.detach()
    else:
        print(f"a cluster is running in {directory}")
        cluster.ensure(*arguments.parts)
    _print_addresses(cluster)


def _print_addresses(cluster: Cluster) -> None:
    served = {status.name: f"http://{status.address}" for status in cluster.status()}
    print(f"\nexport KUBECONFIG={cluster.kubeconfig}")
    for name in ("gateway", "prometheus", "victoria-metrics", "mlflow"):
        if name in served:
            print(f"export {name.upper().replace('-', '_')}_URL={served[name]}")


def _down(arguments: argparse.Namespace) -> None:
    """End the cluster; also what is left of one whose supervisor is gone."""
    try:
        ran = Cluster(arguments.dir).stop()
    except NotRunningError:
        ran = False
    print(f"the cluster in {arguments.dir} has ended" if ran else f"no cluster was running in {arguments.dir}")


def _status(arguments: argparse.Namespace) -> None:
    """Show what runs, and the last words of what has died."""
    rows = Cluster.attach(arguments.dir).status()
    print(f"{'PROCESS':<25}{'STATE':<20}{'ADDRESS':<18}{'MEMORY':>8}")
    for row in rows:
        print(f"{row.name:<25}{row.state:<20}{row.address:<18}{_megabytes(row):>8}")
    print(f"{'':<63}{sum(row.memory_bytes for row in rows) // 2**20:>5} MB")
    for row in rows:
        if row.failure:
            print(f"\n{row.failure}")


def _megabytes(row: ProcessStatus) -> str:
    return f"{row.memory_bytes // 2**20} MB"


def _kubeconfig(arguments: argparse.Namespace) -> None:
    """Print the path of the administrator's kubeconfig."""
    print(Cluster.attach(arguments.dir).kubeconfig)


def _logs(arguments: argparse.Namespace) -> None:
    """Print the log of one process; also of one that has ended."""
    sys.stdout.write(Cluster(arguments.dir).logs(arguments.process))


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return parts


_PARTS_HELP = f"default: {','.join(USUAL_PARTS)}; victoria-metrics may take the place of prometheus"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcluster", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run in (_up, _down, _status, _kubeconfig, _logs):
        command = commands.add_parser(run.__name__.strip("_"), help=run.__doc__, description=run.__doc__)
        command.set_defaults(run=run)
        command.add_argument("--dir", type=Path, default=default_directory(), help="default: %(default)s")
        if run is _up:
            command.add_argument("--parts", type=_parts, default=list(USUAL_PARTS), help=_PARTS_HELP)
            command.add_argument("--audit", action="store_true", help="log every request to the API server")
            command.add_argument("--scrape-interval", default="1s", help="of Prometheus (default: %(default)s)")
            command.add_argument("--images", type=Path, help="table of images (default: localcluster/images.yaml)")
        if run is _logs:
            command.add_argument("process", help="e.g. kube-apiserver, supervisor")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except LocalClusterError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
