"""A reference that is made of parts, each of which counts as much as the live rows that belong to it."""

from __future__ import annotations

import numpy as np

from rollmodel.evidence.core.arrays import Array

__all__ = ["mixture"]


def mixture(counts: Array, rows: Array) -> Array:
    """Counts [..., S, K] of a reference with the shares that the parts [..., P, S, K] have where ``rows`` [..., P, S]
    live rows belong to each.

    If all parts are alike it is worth n^2 / sum(n_p^2 / m_p) rows, for m_p rows of the reference in a part, and so many
    it has: a part with many live rows and few of the reference makes it a poor one. Parts that the reference does not
    know are left out.
    """
    known = counts.sum(axis=-1)
    live = np.where(known > 0.0, rows, 0.0)
    total = live.sum(axis=-2)
    each = np.divide(live, known, out=np.zeros_like(live), where=known > 0.0)
    worth = np.divide(total**2, (live * each).sum(axis=-2), out=np.zeros_like(total), where=total > 0.0)
    share = np.einsum("...ps,...psk->...sk", each, counts) / np.maximum(total, 1e-9)[..., None]
    return np.asarray(share * worth[..., None])
