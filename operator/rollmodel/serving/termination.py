"""How a container of a user's pod says why it failed: one line, for people and for the operator.

Kubernetes copies the termination log into the pod's status, where the operator reads it into conditions and Events.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from rollmodel.errors import RollmodelError

__all__ = ["default_termination_log", "report_failure"]

MAX_CHARACTERS = 1024
"""Kubernetes keeps 4096 bytes; a condition should be readable at a glance."""


def default_termination_log() -> Path:
    """``ROLLMODEL_TERMINATION_LOG``, or the path that Kubernetes mounts."""
    return Path(os.environ.get("ROLLMODEL_TERMINATION_LOG", "/dev/termination-log"))


def report_failure(error: RollmodelError, log: Path) -> str:
    """Write ``<Reason>: <message>`` to standard error and to the termination log; return the line."""
    line = " ".join(f"{error.reason}: {error}".split())[:MAX_CHARACTERS]
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
    with contextlib.suppress(OSError):  # outside of a pod there is no such file, and standard error has said it
        log.write_text(line + "\n", encoding="utf-8")
    return line
