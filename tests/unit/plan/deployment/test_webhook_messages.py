"""What a webhook is told about rollouts: each decision once, whatever becomes of the receiver, and never in the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rollmodel.plan.decision import Decision, Notify, Ref
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.notifications import GIVE_UP_SECONDS, slack_message

from tests.support.simulation.rollouts import Cluster, spec

HOOK = {"webhookRef": {"name": "chat"}}


class Listening(Cluster):
    """A cluster whose messages are taken while ``away`` is not set, as the executor does it."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(spec(**changes))
        self.away, self.sent = False, 0
        self.got: list[Notify] = []
        self.behave("1")

    def reconcile(self, killed_after: int | None = None, lost: str | None = None) -> Decision:
        decision = super().reconcile(killed_after, lost)
        for effect in decision.of(Notify):
            assert effect.secret == "chat"
            self.sent += 1
            if not self.away:
                self.got.append(effect)
                left = [one for one in self.status.pop("notifications") if one["id"] != effect.key]
                self.status |= {"notifications": left} if left else {}
        return decision

    @property
    def told(self) -> list[str]:
        return [effect.event["data"]["reason"] for effect in self.got]

    def promoted(self) -> bool:
        return self.arm("stable") == "2"


def test_a_promotion_is_told_step_by_step() -> None:
    cluster = Listening(notify=HOOK)
    cluster.run(120)
    cluster.try_version("2", bad=0.01)
    assert cluster.run(7200, cluster.promoted)
    told = cluster.told
    assert told[:2] == ["InstallStarted", "Installed"]
    assert told[2] == "RolloutStarted"
    assert told.count("StepEntered") == 2
    assert told[-1] == "Promoted"
    assert len({effect.key for effect in cluster.got}) == len(cluster.got) == cluster.sent
    last = cluster.got[-1].event
    assert last["type"] == "dev.rollmodel.modeldeployment.promoted"
    assert last["source"] == "/apis/rollmodel.dev/v1alpha1/namespaces/prod/modeldeployments/churn"
    assert last["data"]["stable"] == {"revision": cluster.revision_of("2"), "modelVersion": "2"}
    assert cluster.condition("Notified")["reason"] == "NothingWaits"


def test_a_rollback_is_told_with_its_evidence() -> None:
    cluster = Listening(notify=HOOK)
    cluster.run(120)
    cluster.try_version("2", bad=0.3)
    assert cluster.run(7200, lambda: "rejected" in cluster.status)
    assert cluster.told[-1] == "RolledBack"
    assert "errors" in cluster.got[-1].event["data"]["message"]


def test_a_receiver_that_is_away_changes_no_decision() -> None:
    ends = []
    for notify in (None, HOOK):
        cluster = Listening(**({"notify": notify} if notify else {}))
        cluster.away = True
        cluster.run(120)
        cluster.try_version("2", bad=0.01)
        assert cluster.run(7200, cluster.promoted)
        ends.append([(one["verdict"], one["time"]) for one in cluster.status["history"]])
    assert ends[0] == ends[1]
    assert 5 <= len(cluster.status["notifications"]) <= 10
    assert cluster.condition("Notified")["reason"] == "Waiting"
    cluster.now += timedelta(seconds=GIVE_UP_SECONDS + 1)
    cluster.pass_until_quiet()
    assert "notifications" not in cluster.status
    assert [event.reason for event in cluster.events].count("NotificationDropped") >= 1


def test_whoever_asks_for_no_news_has_no_word_of_it() -> None:
    cluster = Listening(notify=HOOK)
    cluster.away = True
    cluster.run(60)
    assert "notifications" in cluster.status
    cluster.spec = spec()
    cluster.run(60)
    assert "notifications" not in cluster.status
    assert all(one["type"] != "Notified" for one in cluster.status["conditions"])
    assert cluster.got == []


def test_a_chat_gets_one_line_of_plain_text() -> None:
    cluster = Listening(notify={**HOOK, "format": "Slack"})
    cluster.away = True
    cluster.run(120)
    texts = [dict(effect.event) for effect in decide(cluster.observe()).of(Notify)]
    assert all(list(one) == ["text"] for one in texts)
    assert texts[-1]["text"].startswith("*Installed* ModelDeployment prod/churn: ")


@pytest.mark.parametrize("text", ["<!channel> look", "<https://evil.example|here>", "a & b"])
def test_a_message_calls_nobody_and_links_nowhere(text: str) -> None:
    said = slack_message("Failed", text, about=Ref("rollmodel.dev/v1alpha1", "TrainingJob", "ml", "a"))["text"]
    assert "<" not in said
    assert ">" not in said
    assert "&" not in said.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
