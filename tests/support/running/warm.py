"""Fetch or build the binaries of the local cluster, and show what takes its time.

``python -m tests.support.running.warm``, as `make test` does first: workers of pytest-xdist have no terminal for it.
Where the binaries cannot be had this is no error: cluster tests are skipped then, and fail under CI.
"""

from __future__ import annotations

from localcluster import BinaryUnavailableError
from localcluster.binaries import locate
from localcluster.parts import USUAL_PARTS, binaries_of

__all__ = ["main"]


def main() -> None:
    """All that a cluster with its usual parts needs."""
    try:
        locate(dict.fromkeys(binaries_of(USUAL_PARTS)))
    except BinaryUnavailableError as error:
        print(error)


if __name__ == "__main__":
    main()
