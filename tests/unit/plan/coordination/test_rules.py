"""The text of rules: what is understood, and in which words it is refused."""

from __future__ import annotations

import pytest
from rollmodel.api.coordination import KEY, Rules
from rollmodel.errors import Invalid
from rollmodel.plan.coordination.rule_book import RuleBook
from rollmodel.plan.coordination.rules import parse

FROZEN = {KEY: "freezes: [{reason: year-end close}]"}


def test_what_is_written_is_understood() -> None:
    text = """
freezes:
  - {reason: audit, from: 2026-12-18T00:00:00+01:00, until: 2027-01-03T00:00:00Z, namespaces: ["prod-*"]}
windows:
  - {days: [Mon, Fri], from: 17:30, to: 02:00, timeZone: Europe/Berlin}
limits:
  - maxRollouts: 3
  - {maxRollouts: 1, per: Label, label: team}
groups:
  - order: [features, rankers]
exempt: [team-a/*]
"""
    rules = parse({KEY: text}, cluster=True)
    assert (rules.windows[0].from_, rules.windows[0].to) == ("17:30", "02:00")  # YAML 1.1 reads 1050 minutes there
    assert rules.freezes[0].until is not None
    assert rules.groups[0].label == "rollmodel.dev/group"


@pytest.mark.parametrize("data", [None, {KEY: ""}, {KEY: "# nothing yet"}])
def test_no_text_is_no_rule(data: dict[str, str] | None) -> None:
    assert parse(data, cluster=True) == Rules()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("freez: []", "`freez` is no field of these rules"),
        ("limits: [{maxRollout: 1}]", "`limits[0].maxRollouts`"),
        ("limits: [{maxRollouts: 0}]", "greater than or equal to 1"),
        ("limits: [{maxRollouts: 1, label: team}]", "`label` goes with `per: Label`"),
        ("freezes: [{}]", "`freezes[0].reason`: Field required"),
        ("freezes: [{reason: x, until: 2026-12-31}]", "`freezes[0].until`"),
        ("freezes: [{reason: x, until: 2026-12-31T10:00:00}]", "timezone"),
        ("freezes: [{reason: x, from: 2027-01-01T00:00:00Z, until: 2026-01-01T00:00:00Z}]", "later than `from`"),
        ("windows: [{days: [Monday]}]", "'Mon', 'Tue'"),
        ("windows: [{from: 9:00}]", "`windows[0].from`"),
        ("windows: [{from: '10:00', to: '10:00'}]", "must differ"),
        ("windows: [{timeZone: Mars/Olympus}]", "is no known time zone; 'Etc/UTC' or 'Europe/Berlin' are"),
        ("windows: [{timeZone: ../../etc/passwd}]", "is no known time zone"),
        ("groups: [{order: [a, b, a]}]", "each group once"),
        ("limits: [", "it is no YAML"),
        ("- a", "rules.yaml"),
        ("limits: []\nlimits: []", "`limits` stands there twice"),
        ("a: &a [x]\nb: *a", "anchors are not read"),
        ("[" * 3000, "nested too deeply"),
        ("#" * 20000, "more than 16384 characters"),
        ("!!python/object/apply:os.system [echo]", "it is no YAML"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse({KEY: text}, cluster=True)
    assert words in str(refused.value)
    assert len(str(refused.value)) <= 1000


def test_a_namespace_rules_itself_only() -> None:
    with pytest.raises(Invalid, match="in the cluster's rules only"):
        parse({KEY: "freezes: [{reason: x, namespaces: ['*']}]"}, cluster=False)


@pytest.mark.parametrize(("data", "words"), [({}, "has nothing"), ({"rules": "", KEY: ""}, "`rules`, `rules.yaml`")])
def test_another_key_is_refused(data: dict[str, str], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        parse(data, cluster=True)


def test_what_is_not_understood_leaves_the_last_good_rules() -> None:
    good = RuleBook().changed("team", FROZEN)
    bad = good.changed("team", {KEY: "freez: []"})
    assert bad.rules == good.rules
    assert "freez" in bad.problems["team"]
    assert not bad.blocked
    assert bad.changed("team", FROZEN) == good
    assert bad.changed("team", None) == RuleBook()


def test_without_a_good_one_before_nothing_begins() -> None:
    bad = RuleBook().changed("", {KEY: "freez: []"})
    assert "freez" in bad.blocked[""]
    assert not bad.is_empty
    assert bad.changed("", {KEY: "also: wrong"}).blocked[""] == "`also` is no field of these rules"
    assert not bad.changed("", FROZEN).blocked


def test_rules_that_say_nothing_are_none() -> None:
    assert RuleBook().changed("team", {KEY: "limits: []"}).is_empty
    after_bad = RuleBook().changed("team", FROZEN).changed("team", {KEY: "limits: []"})
    assert after_bad.is_empty
