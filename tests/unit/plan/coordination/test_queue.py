"""Who may begin: limits, groups, freezes, and the oldest first."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.api.coordination import KEY
from rollmodel.plan.coordination.queue import answers, closed
from rollmodel.plan.coordination.rule_book import RuleBook
from rollmodel.plan.coordination.standing import Standing, State

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)  # a Monday


def book(cluster: dict[str, Any] | None = None, **namespaces: dict[str, Any]) -> RuleBook:
    found = RuleBook()
    for whose, rules in (("", cluster), *namespaces.items()):
        found = found.changed(whose, None if rules is None else {KEY: json.dumps(rules)})
    assert not found.problems
    return found


def runs(name: str, namespace: str = "a", **labels: str) -> Standing:
    return Standing(namespace, name, labels, State.RUNNING)


def waits(name: str, minutes: float = 5, namespace: str = "a", **labels: str) -> Standing:
    return Standing(namespace, name, labels, State.WAITING, NOW - timedelta(minutes=minutes))


def lost(name: str, namespace: str = "a", **labels: str) -> Standing:
    return Standing(namespace, name, labels, State.TAKEN_BACK)


def asked(rules: RuleBook, *standings: Standing, last: tuple[str, ...] = ()) -> dict[str, str]:
    """By name of those who wait: the reason why not, or ``yes``."""
    found = answers(rules, {one.name: one for one in standings}, NOW, last=frozenset(last))
    return {name: "yes" if hold is None else hold.reason for name, hold in found.items()}


FULL = "TooManyRollouts"


def test_the_oldest_first_up_to_the_limit() -> None:
    rules = book({"limits": [{"maxRollouts": 2}]})
    assert asked(rules, runs("x"), waits("young", 1), waits("old", 9), waits("middle", 5)) == {
        "old": "yes",
        "middle": FULL,
        "young": FULL,
    }


def test_who_does_not_use_its_turn_comes_after_the_others() -> None:
    rules = book({"limits": [{"maxRollouts": 1}]})
    assert asked(rules, waits("old", 9), waits("young", 1), last=("old",)) == {"young": "yes", "old": FULL}
    assert asked(rules, waits("old", 9), last=("old",)) == {"old": "yes"}


def test_who_waits_at_one_limit_leaves_the_places_of_others() -> None:
    rules = book({"limits": [{"maxRollouts": 3}, {"maxRollouts": 1, "per": "Label", "label": "team"}]})
    standings = [
        runs("x", team="red"),
        *(waits(f"red-{n}", 9, team="red") for n in range(5)),
        waits("blue", team="blue"),
    ]
    assert asked(rules, *standings)["blue"] == "yes"
    assert asked(rules, *standings)["red-0"] == FULL
    assert asked(rules, *standings, waits("none"))["none"] == "yes"  # without the label the other rule is not about it


def test_a_limit_for_each_namespace() -> None:
    rules = book({"limits": [{"maxRollouts": 1, "per": "Namespace"}]})
    assert asked(rules, runs("x", "a"), waits("y", namespace="a"), waits("z", namespace="b")) == {"y": FULL, "z": "yes"}


def test_a_limit_of_a_namespace_counts_its_own() -> None:
    rules = book(None, a={"limits": [{"maxRollouts": 1}]})
    assert asked(rules, runs("x", "b"), waits("y", namespace="a"), waits("z", namespace="b")) == {
        "y": "yes",
        "z": "yes",
    }


def test_a_limit_of_some() -> None:
    gpu = {"maxRollouts": 1, "matchLabels": {"hardware": "gpu"}, "namespaces": ["prod-*"]}
    rules = book({"limits": [gpu]})
    standings = (runs("x", "prod-1", hardware="gpu"), waits("cpu", namespace="prod-1"))
    assert asked(rules, *standings, waits("test", namespace="test", hardware="gpu")) == {"cpu": "yes", "test": "yes"}
    assert asked(rules, *standings, waits("gpu", namespace="prod-2", hardware="gpu"))["gpu"] == FULL


def test_the_message_says_who_has_the_places() -> None:
    found = answers(book({"limits": [{"maxRollouts": 1}]}), {"x": runs("x"), "y": waits("y")}, NOW)
    assert found["y"] is not None
    assert found["y"].message == "1 of 1 rollouts at once run or go first (the cluster): a/x"


def test_who_is_exempt_is_not_held_up_and_is_counted() -> None:
    rules = book({"limits": [{"maxRollouts": 1}], "freezes": [{"reason": "audit"}], "exempt": ["a/urgent"]})
    assert asked(rules, runs("x"), waits("urgent"), waits("other")) == {"urgent": "yes", "other": "Frozen"}
    counted = book({"limits": [{"maxRollouts": 1}], "exempt": ["a/urgent"]})
    assert asked(counted, runs("urgent"), waits("other")) == {"other": FULL}


def test_frozen_ones_are_not_in_the_line() -> None:
    rules = book({"limits": [{"maxRollouts": 1}]}, a={"freezes": [{"reason": "audit"}]})
    assert asked(rules, waits("old", 9, "a"), waits("young", 1, "b")) == {"old": "Frozen", "young": "yes"}


def test_a_freeze_says_why_and_until_when() -> None:
    rules = book({"freezes": [{"reason": "year end", "until": "2026-06-02T00:00:00Z"}]})
    hold = closed(rules, waits("x"), NOW)
    assert hold is not None
    assert hold.message == "rollouts are frozen: year end; it may begin at 2026-06-02T00:00:00Z"
    assert hold.until == datetime(2026, 6, 2, tzinfo=UTC)
    endless = closed(book({"freezes": [{"reason": "incident"}]}), waits("x"), NOW)
    assert endless is not None
    assert endless.message == "rollouts are frozen: incident; no time is planned at which it may begin"


def test_windows_of_the_cluster_and_of_the_namespace_both_count() -> None:
    rules = book(
        {"windows": [{"from": "10:00", "to": "20:00"}]},
        a={"windows": [{"from": "18:00", "to": "22:00"}]},
    )
    hold = closed(rules, waits("x", namespace="a"), NOW)
    assert hold is not None
    assert (hold.reason, hold.until) == ("OutsideWindow", datetime(2026, 6, 1, 18, tzinfo=UTC))
    assert "the windows of namespace a" in hold.message
    assert closed(rules, waits("x", namespace="b"), NOW) is None


def test_rules_that_are_not_understood_hold_up_those_they_may_be_about() -> None:
    wrong = book({"limits": [{"maxRollouts": 5}]}).changed("a", {KEY: "freez: []"})
    assert asked(wrong, waits("x", namespace="a"), waits("y", namespace="b")) == {"x": "RulesInvalid", "y": "yes"}
    everybody = RuleBook().changed("", {KEY: "freez: []"})
    assert asked(everybody, waits("x", namespace="a"), waits("y", namespace="b")) == {
        "x": "RulesInvalid",
        "y": "RulesInvalid",
    }


ORDER = {"label": "group", "order": ["features", "rankers", "blender"], "settleSeconds": 60}


def test_one_rollout_in_each_group() -> None:
    rules = book({"groups": [{"label": "group"}]})
    standings = (runs("x", group="g"), waits("y", group="g"), waits("z", group="h"), waits("w"))
    assert asked(rules, *standings) == {"y": FULL, "z": "yes", "w": "yes"}


def test_groups_in_their_order() -> None:
    rules = book({"groups": [ORDER]})
    for earlier in (runs("f", group="features"), waits("f", group="features"), lost("f", group="features")):
        found = asked(rules, earlier, waits("r", 9, group="rankers"), waits("b", 9, group="blender"))
        assert (found["r"], found["b"]) == ("EarlierGroup", "EarlierGroup")
        assert found.get("f", "yes") == "yes"
    assert asked(rules, runs("b", group="blender"), waits("r", group="rankers")) == {"r": "yes"}
    assert asked(rules, waits("r", group="rankers")) == {"r": "yes"}
    assert asked(rules, runs("f", group="features"), waits("x", group="elsewhere")) == {"x": "yes"}


def test_after_a_rollback_later_groups_may_go_on() -> None:
    rules = book({"groups": [{**ORDER, "afterRollback": "GoOn"}]})
    assert asked(rules, lost("f", group="features"), waits("r", group="rankers")) == {"r": "yes"}


def test_a_later_group_waits_a_moment_for_what_comes_at_the_same_time() -> None:
    found = answers(book({"groups": [ORDER]}), {"r": waits("r", 0.5, group="rankers")}, NOW)
    assert found["r"] is not None
    assert found["r"].until == NOW + timedelta(seconds=30)
    assert asked(book({"groups": [ORDER]}), waits("f", 0, group="features")) == {"f": "yes"}


def test_groups_of_a_namespace_are_its_own() -> None:
    rules = book(None, a={"groups": [ORDER]})
    assert asked(rules, runs("f", "b", group="features"), waits("r", namespace="a", group="rankers")) == {"r": "yes"}


def test_a_status_tells_where_an_object_stands() -> None:
    def of(spec: dict[str, Any] | None = None, **status: Any) -> State:
        meta = {"namespace": "a", "name": "x", "labels": {}}
        return Standing.of({"metadata": meta, "spec": spec or {}, "status": status}).state

    waiting = [{"type": "Waiting", "status": "True", "lastTransitionTime": "2026-06-01T11:00:00Z"}]
    arm = {"revision": "r"}
    assert of(candidate=arm, stable=arm) is State.RUNNING
    assert of(candidate=arm) is State.REST  # an installation
    assert of({"scale": {"replicas": 0}}, candidate=arm, stable=arm) is State.REST
    assert of(stable=arm, conditions=waiting) is State.WAITING
    assert of(stable=arm, rejected=arm) is State.TAKEN_BACK
    assert of(stable=arm, conditions=[{**waiting[0], "status": "False"}]) is State.REST


LIMITS = st.lists(
    st.one_of(
        st.builds(lambda most: {"maxRollouts": most}, st.integers(1, 4)),
        st.builds(lambda most: {"maxRollouts": most, "per": "Namespace"}, st.integers(1, 2)),
        st.builds(lambda most: {"maxRollouts": most, "per": "Label", "label": "team"}, st.integers(1, 2)),
    ),
    max_size=3,
)
OBJECTS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["red", "blue", None]), st.sampled_from([None, 1, 2, 3, 4, 5])),
    min_size=1,
    max_size=9,
)


def _standings(objects: list[tuple[str, str | None, int | None]]) -> dict[str, Standing]:
    found = {}
    for number, (namespace, team, minutes) in enumerate(objects):
        labels = {} if team is None else {"team": team}
        name = str(number)
        found[name] = runs(name, namespace, **labels) if minutes is None else waits(name, minutes, namespace, **labels)
    return found


def _used(limit: dict[str, Any], standings: list[Standing]) -> Counter[str]:
    per = limit.get("per")
    if per == "Label":
        return Counter(one.labels["team"] for one in standings if "team" in one.labels)
    return Counter(one.namespace if per else "" for one in standings)


@settings(max_examples=50, deadline=None)
@given(LIMITS, OBJECTS)
def test_limits_hold_and_no_place_stays_empty(limits: list[dict[str, Any]], objects: Any) -> None:
    """Who is let breaks no limit; who is not let would break one; and the first in the line is held by runners only."""
    standings = _standings(objects)
    found = answers(book({"limits": limits}), standings, NOW)
    running = [one for one in standings.values() if one.state is State.RUNNING]
    let = [standings[uid] for uid, hold in found.items() if hold is None]
    for limit in limits:
        before, after = _used(limit, running), _used(limit, [*running, *let])
        assert all(count <= max(limit["maxRollouts"], before[place]) for place, count in after.items())
    for uid, hold in found.items():
        one = standings[uid]
        full = any(
            _used(limit, [*running, *let])[place] >= limit["maxRollouts"]
            for limit in limits
            for place in _used(limit, [one])
        )
        assert full or hold is None
    in_line = sorted(
        (one for one in standings.values() if one.state is State.WAITING), key=lambda one: (one.since, one.key)
    )
    if in_line and not any(
        _used(limit, running)[place] >= limit["maxRollouts"] for limit in limits for place in _used(limit, [in_line[0]])
    ):
        assert found[in_line[0].name] is None


@settings(max_examples=40, deadline=None)
@given(LIMITS, OBJECTS)
def test_everybody_gets_a_turn_within_as_many_as_wait(limits: list[dict[str, Any]], objects: Any) -> None:
    """Rounds in which who is let begins, and who runs ends: nobody is left over."""
    standings, rules = _standings(objects), book({"limits": limits})
    for _ in range(2 * len(standings)):
        let = {uid for uid, hold in answers(rules, standings, NOW).items() if hold is None}
        standings = {
            uid: one.running() if uid in let else one
            for uid, one in standings.items()
            if uid in let or one.state is State.WAITING
        }
    assert not any(one.state is State.WAITING for one in standings.values())
