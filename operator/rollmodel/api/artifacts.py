"""The files behind MLflow's artifact proxy, which lists one folder at a time and is not trusted with what it lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rollmodel.errors import Invalid

__all__ = ["walk"]

#: In one folder, and in all.
_FILES_LIMIT, _ALL_FILES_LIMIT = 10_000, 100_000
#: Each costs a request.
_FOLDERS_LIMIT = 1_000
_DEPTH_LIMIT = 32


def walk(entries: Callable[[str], Sequence[Any]], name: Callable[[str], str]) -> Iterator[tuple[str, int | None]]:
    """Every file, folder by folder: path relative to the root, and size in bytes where the registry knows it.

    ``entries`` gives what the proxy lists in a folder; ``name`` the checked name of a listed path within its folder.
    Raises Invalid for folders nested too deep, too many folders or files, and entries that are none, and what the two
    functions raise.
    """
    waiting, folders, files = [("", 0)], 0, 0
    while waiting:
        folder, depth = waiting.pop()
        folders += 1
        if depth > _DEPTH_LIMIT:
            raise Invalid(f"the model's folders are nested more than {_DEPTH_LIMIT} deep")
        if folders > _FOLDERS_LIMIT:
            raise Invalid(f"the model has more than {_FOLDERS_LIMIT} folders")
        inside: list[tuple[str, int]] = []
        for entry in _listed(entries, folder):
            own = name(str(entry["path"]))
            path = f"{folder}/{own}" if folder else own
            if entry.get("is_dir"):
                inside.append((path, depth + 1))
                continue
            files += 1
            if files > _ALL_FILES_LIMIT:
                raise Invalid(f"the model has more than {_ALL_FILES_LIMIT} files")
            yield path, _size(entry)
        waiting.extend(reversed(inside))


def _size(entry: Mapping[str, Any]) -> int | None:
    size = entry.get("file_size")
    try:
        return None if size is None else int(size)
    except (TypeError, ValueError):
        raise Invalid(f"the registry lists a file with the size {str(size)[:40]!r}") from None


def _listed(entries: Callable[[str], Any], folder: str) -> Sequence[Mapping[str, Any]]:
    listed = entries(folder) or []  # a folder without files may be null
    if not isinstance(listed, list):
        raise Invalid("the registry lists something that is no list of files")
    if len(listed) > _FILES_LIMIT:
        raise Invalid(f"the model has more than {_FILES_LIMIT} files in one folder")
    if not all(isinstance(entry, Mapping) and "path" in entry for entry in listed):
        raise Invalid("the registry lists something that is no file")
    return listed
