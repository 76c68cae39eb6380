"""Edges of the profile and of the counts are the same numbers, however they are spelt."""

from __future__ import annotations

import numpy as np
import pytest
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.profile.layout import Layout, Points, edge_of

#: As our server spells an edge, and as Prometheus 3 writes that of a histogram after a scrape.
SPELT = [("-0.0", "0.0"), ("1.0", "1.0"), ("-1234567.0", "-1.234567e+06"), ("1e-05", "1e-05"), ("+Inf", "+Inf")]


@pytest.mark.parametrize(("ours", "theirs"), SPELT)
def test_one_spelling(ours: str, theirs: str) -> None:
    assert edge_of(ours) == edge_of(theirs)
    assert float(edge_of(ours)) == float(ours)


def test_what_is_no_number_stays() -> None:
    assert [edge_of(text) for text in ("gold", "", "NaN")] == ["gold", "", "NaN"]


def test_counts_find_their_edges_as_prometheus_spells_them() -> None:
    """Else a bin is empty for ever, and that is a change, each hour anew."""
    edges = ["-1234567.0", "-0.0", "+Inf"]
    shown: list[Points] = [({"what": "info", "digest": "sha256:a"}, [(0.0, 1.0)])]
    counted: list[Points] = []
    spelling = dict(SPELT)
    for count, edge in enumerate(edges, start=1):
        labels = {"signal": "feature:balance", "le": edge}
        shown.append(({**labels, "what": "rows"}, [(0.0, 100.0 * count)]))
        counted.append(({**labels, "le": spelling[edge]}, [(3600.0, 10.0 * count)]))
    layout = Layout.of(shown)
    assert isinstance(layout, Layout)
    history = History(layout).with_answer(counted)
    assert history.bins(history.steps[3600]).tolist() == [[10.0, 10.0, 10.0]]
    assert np.array_equal(layout.reference(), [[100.0, 100.0, 100.0]])
