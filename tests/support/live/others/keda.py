"""KEDA's own definition of ScaledObject, from its Go module: nothing of it is kept here but the sum."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

__all__ = ["RIGHTS", "VERSION", "scaled_object_definition"]

VERSION = "2.21.0"
_MODULE = f"github.com/kedacore/keda/v2@v{VERSION}"
_FILE = "config/crd/bases/keda.sh_scaledobjects.yaml"
_SHA256 = "af35555862a83933b074af14ad439c4b4ceabaf4daa3e9338e9b23e36d308d80"

#: What the chart adds to the operator's role with ``features.keda``.
RIGHTS = {
    "apiGroups": ["keda.sh"],
    "resources": ["scaledobjects"],
    "verbs": ["get", "list", "watch", "create", "patch", "delete"],
}


def scaled_object_definition(folder: Path) -> str | None:
    """The definition as YAML; None where there is no Go, or its module cache has no KEDA and cannot get it.

    ``folder`` is an empty one, outside of any Go module.
    """
    go = shutil.which("go")
    if go is None:
        return None
    command = [go, "mod", "download", "-json", _MODULE]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if answer.returncode:
        return None
    content = Path(json.loads(answer.stdout)["Dir"], _FILE).read_bytes()
    assert hashlib.sha256(content).hexdigest() == _SHA256, f"{_FILE} of KEDA {VERSION} is another file"
    return content.decode()
