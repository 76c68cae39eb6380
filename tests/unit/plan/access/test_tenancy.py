"""The administrator's mapping: which names a namespace may use with the operator's own login."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from rollmodel.errors import Forbidden
from rollmodel.plan.access.tenancy import Grant, Tenancy

MAPPED = Tenancy(
    {
        "team-*": Grant(models=("{namespace}.*",), experiments=("{namespace}/*",)),
        "prod": Grant(models=("team-?.*",), aliases=("champion", "challenger")),
    }
)


@pytest.mark.parametrize(
    ("namespace", "asked"),
    [
        ("team-a", {"models": ["team-a.churn"], "aliases": ["whatever"], "experiments": ["team-a/churn"]}),
        ("prod", {"models": ["team-a.churn", "team-b.churn"], "aliases": ["champion", None]}),
    ],
)
def test_what_is_given_may_be_used(namespace: str, asked: dict[str, list[str]]) -> None:
    MAPPED.check(namespace, **asked)


@pytest.mark.parametrize(
    ("namespace", "asked", "word"),
    [
        ("team-b", {"models": ["team-a.churn"]}, "model 'team-a.churn'"),
        ("team-b", {"experiments": ["team-a/churn"]}, "experiment 'team-a/churn'"),
        ("prod", {"models": ["team-a.churn"], "aliases": ["other"]}, "alias 'other'"),
        ("prod", {"experiments": ["prod/churn"]}, "It is given: none"),
        ("elsewhere", {"models": ["team-a.churn"]}, "It is given: none"),
    ],
)
def test_what_is_not_given_is_refused_with_what_is(namespace: str, asked: dict[str, list[str]], word: str) -> None:
    with pytest.raises(Forbidden) as refused:
        MAPPED.check(namespace, **asked)
    assert refused.value.reason == "NotGranted"
    assert word in str(refused.value)


def test_without_a_mapping_everything_may_be_read_and_what_is_made_has_an_owner() -> None:
    Tenancy().check("team-b", models=["team-a.churn"])
    assert Tenancy().owner("team-b") == "team-b"


def test_one_trust_domain_asks_nothing_and_notes_nothing() -> None:
    trusting = Tenancy(MAPPED.grants, trusted=True)
    trusting.check("elsewhere", models=["team-a.churn"])
    assert (trusting.owner("team-b"), MAPPED.owner("team-b")) == (None, None)


def test_a_mapping_says_what_it_does_not_know() -> None:
    with pytest.raises(ValidationError, match="modles"):
        Grant.model_validate({"modles": ["a"]})
