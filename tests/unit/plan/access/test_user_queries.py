"""Which queries of users are bound to their namespace, and which may read that of others."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.errors import Invalid
from rollmodel.plan.access.user_queries import check_bound

SELECTOR = 'cluster="eu",namespace="team",rollmodel_dev_model_deployment="churn"'


@pytest.mark.parametrize(
    "query",
    [
        f"sum by (pod, rollmodel_dev_revision) (http_requests_total{{{SELECTOR},code=~'5..'}})",
        f"sum (rate(a{{{SELECTOR}}}[5m:1m] offset 1h)) without (le) / on (pod) group_left (node) b{{{SELECTOR},}}",
        'histogram_quantile(0.99, sum by (le) (x_bucket{namespace="team"})) and y{namespace="team"} > bool 1e3',
        "clamp_max(a{namespace='team'}, .5) # but not {this}\n or vector(0)",
        '{"http.requests", namespace="team"} @ end() unless {__name__=~"a|b", namespace="team", namespace!=""}',
        "a:b{namespace=`team`} * -Inf + 0x1F",
        'label_replace(a{namespace="team"}, "role", "{other}", "", "")',
        "1",
    ],
)
def test_bound(query: str) -> None:
    check_bound("m", query, "team")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("up", "up is not bound"),
        ("sum(up)", "up is not bound"),
        ("sum by (pod) (up) / a{namespace='team'}", "up is not bound"),
        ('up{job="x"}', '{job="x"} is not bound'),
        ('up{namespace="other"}', "is not bound"),
        ('up{namespace=~"team"}', "is not bound"),
        ('up{namespace!="team"}', "is not bound"),
        ('up{namespace="team" or job="x"}', "is not bound"),
        ('up{namespace="te\\u0061m"}', "is not bound"),
        ("up{}", "is not bound"),
        ('a{namespace="team"} or up', "up is not bound"),
        ('a{namespace="team"} OR UP[5m]', "UP is not bound"),
        ('a{x="} namespace=\\"team\\""}', "is not bound"),
        ('# {namespace="team"}\nup', "up is not bound"),
        ("group_left", "nothing"),
        ('a{namespace="team"', "'}' is missing"),
        ('a{namespace="team"} ; up', "';' is not understood"),
        ('a{namespace="team"} default up{namespace="team"}', "default is not bound"),
    ],
)
def test_not_bound(query: str, named: str) -> None:
    if named == "nothing":  # a word of the language stands for no series
        check_bound("m", query, "team")
        return
    with pytest.raises(Invalid, match="metric 'm': ") as refused:
        check_bound("m", query, "team")
    assert named in str(refused.value)
    assert "ROLLMODEL_USER_QUERIES" in str(refused.value)


BOUND = st.sampled_from(['a{namespace="team"}', 'b:c{x!="y", namespace="team"}[5m]', "{namespace='team', a=~'.*'}"])
LOOSE = st.sampled_from(["up", "up[5m]", '{job="x"}', 'up{namespace=~".*"}', 'up{namespace="teams"}'])
SHAPES = st.sampled_from(["sum({})", "sum by (le) ({})", "rate({}) > bool 0", "({}) * on (pod) (1)", '"{{}}" == {}'])


def composed(leaf: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(leaf, lambda inner: st.builds(str.format, SHAPES, inner), max_leaves=4)


@settings(max_examples=60, deadline=None)
@given(
    left=composed(BOUND), right=composed(BOUND), loose=composed(LOOSE), word=st.sampled_from(["or", "AND", "/", "-"])
)
def test_one_loose_selector_is_found_wherever_it_stands(left: str, right: str, loose: str, word: str) -> None:
    check_bound("m", f"{left} {word} {right}", "team")
    for query in (f"{left} {word} {loose}", f"{loose} {word} {left}", f"({left} {word} {loose}) / {right}"):
        with pytest.raises(Invalid):
            check_bound("m", query, "team")


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab{}[]()\"'`,=~!# \\\n1.", max_size=30))
def test_any_text_is_bound_or_refused(query: str) -> None:
    with suppress(Invalid):  # and raises nothing else
        check_bound("m", query, "team")
