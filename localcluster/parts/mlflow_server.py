"""``mlflow server`` as one process: ``python -m localcluster.parts.mlflow_server server --backend-store-uri ...``.

MLflow would start uvicorn as a second process, which imports everything again: half of the work of a start, and 250 MB.
Where another version starts its server in another way, this is the same as ``python -m mlflow``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import uvicorn
from mlflow import cli, server

__all__ = ["main"]

_PACKAGE = "mlflow.server"


def main() -> None:
    """Run MLflow's command line; ends with the server."""
    server._exec_cmd = _serve  # noqa: SLF001 - there is no other way in
    cli.cli()


def _serve(command: Sequence[str], *, extra_env: Mapping[str, str], **_: Any) -> None:
    """Serve here what ``python -m uvicorn`` would serve there."""
    os.environ.update(extra_env)
    # It reads its environment while it is imported, and was imported without these variables.
    for name in [name for name in sys.modules if name == _PACKAGE or name.startswith(f"{_PACKAGE}.")]:
        del sys.modules[name]
    uvicorn.main.main(args=command[command.index("uvicorn") + 1 :])


if __name__ == "__main__":
    main()
