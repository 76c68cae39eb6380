"""Names of children: valid whatever the owner is called, readable where possible, never shared by two owners."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.plan import naming

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
OWNERS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,70}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,70}[a-z0-9])?){0,2}", fullmatch=True)


@pytest.mark.parametrize(
    ("owner", "shared", "child"),
    [
        ("churn", "churn", "churn-bbbbbbbb"),
        ("x" * 54, "x" * 54, f"{'x' * 54}-bbbbbbbb"),
        ("x" * 63, "x" * 63, f"{'x' * 45}-r5rkzrtj-bbbbbbbb"),
    ],
)
def test_names_are_kept_where_they_fit(owner: str, shared: str, child: str) -> None:
    assert naming.shared(owner) == shared
    assert naming.child(owner, "bbbbbbbb") == child


@pytest.mark.parametrize("owner", ["2nd-model", "a.b", "x" * 64])
def test_names_that_are_no_dns_label_get_a_hash(owner: str) -> None:
    assert naming.shared(owner) != owner
    assert DNS_LABEL.fullmatch(naming.shared(owner))


@given(OWNERS)
def test_every_name_is_valid(owner: str) -> None:
    for name in (naming.shared(owner), naming.child(owner, "bbbbbbbb"), naming.picker(owner, "bbbbbbbb")):
        assert DNS_LABEL.fullmatch(name), name
    assert LABEL_VALUE.fullmatch(naming.label_value(owner))


@given(OWNERS, OWNERS)
def test_two_owners_never_share_a_name(one: str, other: str) -> None:
    if one != other:
        assert naming.shared(one) != naming.shared(other)
        assert naming.child(one, "bbbbbbbb") != naming.child(other, "bbbbbbbb")


@given(st.text())
def test_hashes_have_no_vowels_and_no_look_alikes(text: str) -> None:
    assert re.fullmatch("[bcdfghjklmnpqrstvwxz2456789]{8}", naming.short_hash(text))


def test_the_selector_of_a_revision_is_within_the_owners() -> None:
    assert naming.owner_selector("churn").items() < naming.revision_selector("churn", "bbbbbbbb").items()
    assert naming.selector_text({"b": "2", "a": "1"}) == "a=1,b=2"


def test_no_name_is_the_label_of_another_one() -> None:
    """Services select pods by it: whoever chose the cut form of a long name would get its requests."""
    victim = "recommendations-for-returning-customers-in-the-northern-region-v2"
    attacker = naming.label_value(victim)
    assert attacker != victim
    assert len(attacker) == len(naming.label_value(attacker)) == 63
    assert naming.label_value(attacker) != attacker
