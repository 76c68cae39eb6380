r"""The digest of a model's files: one number that pins every byte.

Defined as SHA-256 over the lines ``<sha256 of the file>  <path>`` in byte order of the path, so that anybody can
check it with coreutils: ``find . -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum | sha256sum``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from rollmodel.errors import Invalid

__all__ = ["tree_digest"]


def tree_digest(files: Mapping[str, str]) -> str:
    """``sha256:<hex>`` for files given as {relative POSIX path: lower-case sha256 hex of the content}.

    Raises Invalid for a name with a line break: two trees could give the same lines.
    """
    summary = hashlib.sha256()
    for path in sorted(files, key=str.encode):
        if "\n" in path:
            raise Invalid(f"the file name {path!r} holds a line break", reason="UnsafePath")
        summary.update(f"{files[path]}  {path}\n".encode())
    return f"sha256:{summary.hexdigest()}"
