"""The files behind MLflow's artifact proxy, which lists one folder at a time and is not trusted with what it lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rollmodel.errors import Invalid

__all__ = ["walk"]

_FILES_LIMIT = 10_000
_DEPTH_LIMIT = 32


def walk(
    entries: Callable[[str], Sequence[Mapping[str, Any]]], name: Callable[[str], str], folder: str = "", depth: int = 0
) -> Iterator[tuple[str, int | None]]:
    """Every file below ``folder``: path relative to the root, and size in bytes where the registry knows it.

    ``entries`` gives what the proxy lists in a folder; ``name`` the checked name of a listed path within its folder.
    Raises Invalid for folders nested too deep or with too many files, and what the two functions raise.
    """
    if depth > _DEPTH_LIMIT:
        raise Invalid(f"the model's folders are nested more than {_DEPTH_LIMIT} deep")
    listed = entries(folder)
    if len(listed) > _FILES_LIMIT:
        raise Invalid(f"the model has more than {_FILES_LIMIT} files in one folder")
    for entry in listed:
        own = name(str(entry["path"]))
        path = f"{folder}/{own}" if folder else own
        if entry.get("is_dir"):
            yield from walk(entries, name, path, depth + 1)
        else:
            size = entry.get("file_size")
            yield path, None if size is None else int(size)
