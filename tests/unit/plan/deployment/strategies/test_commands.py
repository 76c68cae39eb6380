"""Commands by annotation: consumed once, only by the revision they name, and never silently dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from rollmodel.plan.deployment.decide import decide

from tests.support.simulation.rollouts import Cluster, spec

Serving = Callable[..., Cluster]


@pytest.fixture
def rolling(serving: Serving) -> Cluster:
    """Version 2 is on its way."""
    cluster = serving()
    cluster.try_version()
    cluster.pass_until_quiet()
    return cluster


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("promote", "must be '<verb> <revision> <nonce>'"),
        ("promote bbbbbbbb 1 2", "must be '<verb> <revision> <nonce>'"),
        ("dance bbbbbbbb 1", "must begin with one of promote, abort, pause, resume, retry, undo"),
        ("promote bbbbbbbb 1", "it is not the revision that is being tried"),
        ("abort bbbbbbbb 1", "it is not the revision that is being tried"),
        ("resume {candidate} 1", "it is not paused"),
        ("retry {candidate} 1", "it is not the revision that was taken back"),
        ("pause {stable} 1", "it is not the revision that is being tried"),
    ],
)
def test_commands_that_do_not_fit_are_ignored_aloud(rolling: Cluster, text: str, why: str) -> None:
    names = {arm: rolling.status[arm]["revision"] for arm in ("stable", "candidate")}
    rolling.annotations["rollmodel.dev/command"] = text.format(**names)
    before = rolling.status
    rolling.pass_until_quiet()
    assert rolling.status["lastCommand"]["result"] == "Ignored"
    assert rolling.status["lastCommand"]["message"] == why
    assert rolling.status["candidate"] == before["candidate"]
    ignored = [event for event in rolling.events if event.reason == "CommandIgnored"]
    assert len(ignored) == 1
    assert ignored[0].type == "Warning"


def test_a_command_is_consumed_once(rolling: Cluster) -> None:
    revision = rolling.status["candidate"]["revision"]
    rolling.command("pause", revision)
    rolling.pass_until_quiet()
    assert rolling.status["lastCommand"]["by"] == "kubectl"
    assert rolling.condition("Paused")["reason"] == "Command"
    rolling.command("resume", revision)
    rolling.pass_until_quiet()
    assert rolling.condition("Paused")["status"] == "False"
    rolling.run(60)
    assert rolling.condition("Paused")["status"] == "False"
    assert rolling.reasons().count("CommandDone") == 2


def test_the_same_wish_needs_another_nonce(rolling: Cluster) -> None:
    revision = rolling.status["candidate"]["revision"]
    for verb, nonce in (("pause", "1"), ("resume", "1"), ("pause", "2")):
        rolling.command(verb, revision, nonce)
        rolling.pass_until_quiet()
    assert rolling.condition("Paused")["status"] == "True"


def test_pausing_twice_is_said(rolling: Cluster) -> None:
    revision = rolling.status["candidate"]["revision"]
    for nonce in ("1", "2"):
        rolling.command("pause", revision, nonce)
        rolling.pass_until_quiet()
    assert rolling.status["lastCommand"]["message"].startswith("it is paused already")


@pytest.mark.parametrize("verb", ["promote", "abort"])
def test_the_first_revision_can_be_neither_promoted_nor_aborted(verb: str) -> None:
    cluster = Cluster(spec())
    cluster.behave("1", pods="never")
    cluster.pass_until_quiet()
    cluster.command(verb, cluster.status["candidate"]["revision"])
    cluster.pass_until_quiet()
    assert cluster.status["lastCommand"]["result"] == "Ignored"
    assert cluster.arm("candidate") == "1"


def test_a_very_long_command_is_cut_and_consumed_once(rolling: Cluster) -> None:
    rolling.annotations["rollmodel.dev/command"] = "promote " + "x" * 1000
    rolling.pass_until_quiet()
    rolling.run(60)
    assert rolling.reasons().count("CommandIgnored") == 1


def test_a_look_at_the_registry_is_confirmed_once_it_was_had(rolling: Cluster) -> None:
    rolling.annotations["rollmodel.dev/refresh"] = "now"
    observed = rolling.observe()
    waiting = decide(replace(observed, registry_read=False))
    assert "refreshed" not in waiting.status
    assert waiting.requeue_after is not None
    assert waiting.requeue_after <= 5
    assert decide(observed).status["refreshed"] == "now"


def test_a_command_that_comes_back_is_not_obeyed_again(rolling: Cluster) -> None:
    """A repository, or a backup, puts an old annotation back."""
    revision = rolling.status["candidate"]["revision"]
    for nonce, verb in enumerate(("pause", "resume", "pause"), start=1):
        rolling.command(verb, revision, str(nonce))
        rolling.pass_until_quiet()
    assert rolling.condition("Paused")["status"] == "True"
    rolling.command("resume", revision, "2")
    rolling.pass_until_quiet()
    assert rolling.condition("Paused")["status"] == "True"
    assert rolling.status["lastCommand"]["message"].startswith("it was carried out, or ignored, before")
    assert rolling.status["lastCommand"]["earlier"] == [
        f"{verb} {revision} {nonce}" for nonce, verb in enumerate(("pause", "resume", "pause"), start=1)
    ]
