"""A supervisor that ends, with all it started, when the process that started it does, however that ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from localcluster import control
from localcluster.errors import LocalClusterError, NotRunningError
from localcluster.processes.reaper import ID_VARIABLE
from localcluster.site import Site

__all__ = ["Lifeline", "answers"]

_POLL_SECONDS = 0.05
_REPOSITORY = Path(__file__).parents[2]


class Lifeline:
    """A pipe to a supervisor that starts with it: the supervisor is told when nobody holds our end any more."""

    def __init__(self, site: Site) -> None:
        self._site = site
        theirs, ours = os.pipe()
        self._ours: int | None = ours
        search_path = os.pathsep.join(filter(None, [str(_REPOSITORY), os.environ.get("PYTHONPATH")]))
        with site.log("supervisor").open("wb") as log:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-m", "localcluster.processes.supervisor", str(site.root), str(theirs)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, ID_VARIABLE: site.id, "PYTHONPATH": search_path},
                cwd=site.root,
                pass_fds=[theirs],
                start_new_session=True,
            )
        os.close(theirs)

    def until_it_answers(self) -> None:
        """Wait until the supervisor takes requests. Raises :class:`LocalClusterError` if it ends before."""
        while not answers(self._site):
            if self.supervisor.poll() is not None:
                said = self._site.log("supervisor").read_text(errors="replace")
                raise LocalClusterError(f"the supervisor ended: {said}")
            time.sleep(_POLL_SECONDS)

    def let_go(self) -> None:
        """Close our end: a supervisor that was told to stay does, every other one ends."""
        if self._ours is not None:
            os.close(self._ours)
            self._ours = None


def answers(site: Site) -> bool:
    """Whether a supervisor takes requests."""
    try:
        control.request(site.socket, "status")
    except NotRunningError:
        return False
    return True
