"""Tables as models are asked with them: which may be counted together, and how their columns are fetched fast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["AT_ONCE", "PLAIN", "Cells", "alike", "column_of", "in_cells", "joined", "row_count"]

#: Values that are counted at once; more are counted in parts.
AT_ONCE = 500_000
#: Kinds of numpy's types that are numbers or truth values.
PLAIN = "biuf"
_SMALL = 200


def alike(batches: Sequence[Any]) -> Iterator[list[Any]]:
    """Batches of one form together, since a small one costs more than its rows do."""
    group: list[Any] = []
    size = 0
    for data in batches:
        values = row_count(data) * _width(data)
        if group and (size + values > AT_ONCE or not _same_form(group[0], data)):
            yield group
            group, size = [], 0
        group.append(data)
        size += values
    if group:
        yield group


def _width(data: Any) -> int:
    return int(data.shape[1]) if hasattr(data, "shape") and len(data.shape) == 2 else 1


def _same_form(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.ndim == other.ndim == 2 and one.shape[1] == other.shape[1] and one.dtype == other.dtype
    frames = hasattr(one, "columns") and hasattr(other, "columns")
    return frames and one.columns.is_unique and bool(one.columns.equals(other.columns))


def joined(parts: Sequence[Any]) -> Any:
    """One table of several of one form."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    import pandas as pd  # noqa: PLC0415  whoever has a table has loaded it

    return pd.concat(parts, ignore_index=True)


def in_cells(data: Any) -> Any:
    """A small table of mixed columns by its cells, and all else as it is."""
    if isinstance(data, np.ndarray) or not hasattr(data, "columns") or not 0 < len(data) <= _SMALL:
        return data
    kinds = {getattr(dtype, "kind", "O") for dtype in data.dtypes.tolist()}
    return Cells(data) if not kinds <= set(PLAIN) and data.columns.is_unique else data


class Cells:
    """A table as a matrix of objects: to fetch a column of a table takes as long as two hundred of its values."""

    def __init__(self, table: Any) -> None:
        self.columns = table.columns.tolist()
        self._at = {name: index for index, name in enumerate(self.columns)}
        self._cells = table.to_numpy(dtype=object)

    def __len__(self) -> int:
        return len(self._cells)

    def get(self, name: str) -> NDArray[Any] | None:
        """A column; None where there is none."""
        index = self._at.get(name)
        return None if index is None else self._cells[:, index]

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64] | None:
        """These columns [rows, names]; None where one is not there, or is not of numbers."""
        try:
            return np.asarray(self._cells[:, [self._at[name] for name in names]], dtype=np.float64)
        except (KeyError, TypeError, ValueError):
            return None


def row_count(data: Any) -> int:
    """How many rows the model was asked about."""
    if isinstance(data, Mapping):
        return max((len(np.atleast_1d(values)) for values in data.values()), default=0)
    return len(data)


def column_of(data: Any, name: str, features: Sequence[str]) -> Any:
    """The values of a column; None where there is none. An array has the profile's order."""
    if isinstance(data, np.ndarray):
        at = features.index(name)
        return data[:, at] if data.ndim == 2 and data.shape[1] == len(features) else None
    if isinstance(data, Mapping) or hasattr(data, "columns"):
        return data.get(name)
    return None
