"""Records of arrays: the form of every state in this package.

A state is a frozen dataclass whose fields are numpy arrays (or such dataclasses). Their leading axes are the *batch*:
one rollout in the operator, thousands in a simulation; a process with several alternatives adds one last axis.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Array", "Mask", "array", "from_plain", "select", "stack", "take", "to_plain"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Record = TypeVar("Record")

#: Significant digits of a number in a dumped state. A relative error of 1e-7 per tick moves log E by less than 1e-6.
DIGITS = 7
#: Integers up to here are exact in a float and are written out in full.
EXACT = 2.0**53


def array(value: ArrayLike) -> Array:
    """The value as a float array."""
    return np.asarray(value, dtype=np.float64)


def select(mask: Mask, new: Record, old: Record) -> Record:
    """Elementwise choice between two records of one shape: ``new`` where the mask of the batch is True."""
    if mask.all():
        return new
    chosen: Record = _select(mask, new, old)
    return chosen


def _select(mask: Mask, new: Any, old: Any) -> Any:
    if is_dataclass(new):
        cls: Any = type(new)
        return cls(**{f.name: _select(mask, getattr(new, f.name), getattr(old, f.name)) for f in fields(new)})
    aligned = mask.reshape(mask.shape + (1,) * (np.ndim(new) - mask.ndim))
    return np.where(aligned, new, old)


def stack(records: list[Record]) -> Record:
    """Records of one shape as one record with a new first axis."""
    first: Any = records[0]
    columns = {f.name: [getattr(r, f.name) for r in records] for f in fields(first)}
    return type(first)(**{k: stack(v) if is_dataclass(v[0]) else np.stack(v) for k, v in columns.items()})  # type: ignore[no-any-return]


def take(record: Record, index: Any) -> Record:
    """The part of a record at an index of its first batch axis (an integer, a slice, or an array of them)."""
    values = {f.name: getattr(record, f.name) for f in fields(record)}  # type: ignore[arg-type]
    return type(record)(**{k: take(v, index) if is_dataclass(v) else v[index] for k, v in values.items()})


def to_plain(record: Any) -> Any:
    """A record as nested lists of numbers for JSON: fields in order, rounded to :data:`DIGITS` significant digits."""
    if is_dataclass(record):
        return [to_plain(getattr(record, f.name)) for f in fields(record)]
    return _round(np.asarray(record, dtype=np.float64).tolist())


def _round(value: Any) -> Any:
    if isinstance(value, list):
        return [_round(v) for v in value]
    if value == int(value) and abs(value) < EXACT:
        return int(value)
    return float(f"{value:.{DIGITS}g}")


def from_plain(like: Record, data: Any) -> Record:
    """The record that :func:`to_plain` wrote, in the form of ``like``: its types and shapes.

    Raises ValueError where the form differs or a number is not finite.
    """
    record: Record = _read(like, data)
    return record


def _read(like: Any, data: Any) -> Any:
    if not is_dataclass(like):
        return _numbers(np.shape(like), data)
    if not isinstance(data, list) or len(data) != len(fields(like)):
        raise ValueError(f"{type(like).__name__}: expected a list of {len(fields(like))} fields")
    cls: Any = type(like)
    return cls(*(_read(getattr(like, f.name), item) for f, item in zip(fields(like), data, strict=True)))


def _numbers(shape: tuple[int, ...], data: Any) -> Array:
    try:
        value = array(data)
    except (TypeError, ValueError) as error:
        raise ValueError(f"not an array of numbers: {str(data)[:60]!r}") from error
    if value.shape != shape:
        raise ValueError(f"an array of shape {value.shape} where {shape} belongs")
    if not np.isfinite(value).all():
        raise ValueError("a number of the state is not finite")
    return value
