"""``make operator``: the operator beside the cluster of ``make cluster``, with the rights that we ship."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from demo import operator, stack
from localcluster import Cluster, LocalClusterError
from localcluster.site import default_directory

__all__ = ["main"]


def main() -> NoReturn:
    """Install CRDs, RBAC and the namespace `demo` with a Gateway; then become `rollmodel run`, until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m demo.beside", description=main.__doc__)
    parser.add_argument("--dir", type=Path, default=default_directory(), help="of the cluster (default: %(default)s)")
    try:
        cluster = Cluster.attach(parser.parse_args().dir)
        cluster.ensure(*stack.LOCAL_PARTS)
        where = stack.of_cluster(cluster)
    except LocalClusterError as error:
        sys.exit(f"{error}; `make cluster` starts one")
    where.install()
    where.apply_gateway()
    print(f"namespace {where.kubectl.namespace} has a Gateway: {where.gateway_url}; the operator works until Ctrl-C")
    sys.stdout.flush()
    command = [sys.executable, "-m", "rollmodel", "run"]
    os.execve(command[0], command, operator.environment(where))  # noqa: S606 - signals then reach the operator itself


if __name__ == "__main__":
    main()
