"""Rules as their ConfigMaps are written: the cluster's, those of namespaces, and what is wrong with them."""

from __future__ import annotations

import logging

import pytest
from rollmodel.api.coordination import KEY
from rollmodel.plan.coordination.rule_book import RuleBook
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.rollout_rules import RolloutRules

FROZEN = {KEY: "freezes: [{reason: audit}]"}
WRONG = {KEY: "freez: []"}


def test_the_cluster_s_rules_are_those_of_the_operator_s_namespace() -> None:
    told: list[RuleBook] = []
    rules = RolloutRules("rollmodel-system", told.append)
    rules.on_config_map("rollmodel-system", FROZEN)
    rules.on_config_map("team", FROZEN)
    rules.on_config_map("team", FROZEN)
    assert [sorted(one.rules) for one in told] == [[""], ["", "team"]]
    rules.on_config_map("rollmodel-system", None)
    assert sorted(told[-1].rules) == ["team"]


def test_outside_of_a_pod_every_namespace_is_one_like_others() -> None:
    rules = RolloutRules(None, lambda _: None)
    rules.on_config_map("rollmodel-system", FROZEN)
    assert sorted(rules.book.rules) == ["rollmodel-system"]


def test_what_is_wrong_is_logged_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    rules, instruments = RolloutRules("system", lambda _: None), Instruments()
    instruments.ask_rules(lambda: rules.not_understood)
    rules.on_config_map("team", FROZEN)
    rules.on_config_map("team", WRONG)
    rules.on_config_map("team", WRONG)
    rules.on_config_map("system", WRONG)
    where = (
        "ConfigMap {}/rollmodel-coordination, rules of {}: not understood, so {}: `freez` is no field of these rules"
    )
    assert [one.getMessage() for one in caplog.records] == [
        where.format("team", "namespace team", "those before it hold"),
        where.format("system", "the cluster", "nothing begins"),
    ]
    assert instruments.registry.get_sample_value("rollmodel_coordination_invalid") == 2
    rules.on_config_map("team", FROZEN)
    rules.on_config_map("system", None)
    assert instruments.registry.get_sample_value("rollmodel_coordination_invalid") == 0
    assert caplog.records[-1].getMessage() == "ConfigMap system/rollmodel-coordination: understood again, or gone"


def test_rules_that_may_not_be_read() -> None:
    told: list[RuleBook] = []
    RolloutRules("system", told.append).on_forbidden("configmaps is forbidden")
    assert told == []
    required = RolloutRules("system", told.append, required=True)
    required.on_forbidden("configmaps is forbidden")
    assert told[-1].blocked == {"": "they may not be read: configmaps is forbidden"}
    required.on_config_map("system", None)
    assert told[-1].is_empty


def test_who_waits_is_counted_by_reason() -> None:
    instruments = Instruments()
    for uid, status in (("a", "True"), ("b", "True"), ("c", "False")):
        conditions = [{"type": "Waiting", "status": status, "reason": "Frozen" if status == "True" else "MayBegin"}]
        body = {"kind": "ModelDeployment", "metadata": {"namespace": "n", "name": uid}}
        instruments.on_pass(uid, {**body, "status": {}}, {**body, "status": {"conditions": conditions}})
    assert instruments.registry.get_sample_value("rollmodel_rollouts_waiting", {"reason": "Frozen"}) == 2
    assert instruments.registry.get_sample_value("rollmodel_rollouts_waiting", {"reason": "MayBegin"}) is None
