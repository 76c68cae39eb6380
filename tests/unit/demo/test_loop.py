"""The loop's last word: what was promised and not observed is said, and the page shows what was observed."""

from __future__ import annotations

import asyncio
import re

import pytest
from aiohttp import web
from rollmodel.api.driftpolicy import DriftPolicyStatus
from rollmodel.api.modeldeployment import HistoryEntry

from demo.loop.clinic import Clinic, visits
from demo.loop.page import render
from demo.loop.report import broken_promises
from demo.loop.story import LoopStory, Moment, estimated_accuracy
from examples.training.clinic import MEASUREMENTS, OUTCOME
from tests.support.servers.web import serve

TIME = "2026-01-01T00:00:00Z"


async def test_what_is_under_way_at_the_end_gets_its_answer() -> None:
    """A request that the demo itself cuts off is none that failed."""
    began = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await request.read()
        began.set()
        await asyncio.sleep(0.2)
        return web.json_response({"predictions": [[0.1, 0.9]] * 10})

    async with serve(slow) as server:
        clinic = Clinic(server.url, "clinic.example.com", "http://mlflow")
        running = asyncio.create_task(clinic.run())
        await began.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert clinic.answered >= 1
    assert clinic.failed == 0


def story() -> LoopStory:
    """All went well."""
    clinic = Clinic("http://gateway", "clinic.example.com", "http://mlflow")
    clinic.accuracy = [(5.0 + at, 9 if at < 20 else 4 if at < 50 else 8, 10) for at in range(90)]
    retrain = {"episode": "1", "trigger": "features/mean_texture", "trainingJob": "clinic-x", "outcome": "Promoted"}
    episode = {"number": 2, "startTime": TIME, "trigger": "quality/mean_texture/null"}
    policy = DriftPolicyStatus.model_validate({"retrains": [{**retrain, "time": TIME}], "episode": episode})
    history = [
        HistoryEntry.model_validate(
            {"time": TIME, "verdict": verdict, "toRevision": version, "toVersion": version, "reason": "safe"}
        )
        for verdict, version in (("Installed", "1"), ("Promoted", "2"))
    ]
    names = ("install", "quiet", "drift", "promoted", "quiet again", "broken", "end")
    return LoopStory(
        clinic=clinic,
        moments=[
            Moment(float(at), "Stable" if at < 25 else "Drifted", 0.1, "1", "2", at % 100, None if at < 9 else 0.93)
            for at in range(100)
        ],
        acts=[(at, name) for at, name in zip((0.0, 5.0, 25.0, 55.0, 56.0, 80.0, 100.0), names, strict=True)],
        blocked="BrokenData",
        policy=policy,
        history=history,
        trainings=[{}],
    )


def test_the_estimate_is_read_from_the_policy() -> None:
    message = "accuracy 0.934 estimated, 0.951 in training, may drop by 0.05"
    one = {"name": "accuracy", "kind": "EstimatedPerformance", "windowSeconds": 30, "verdict": "Stable"}
    assert estimated_accuracy(DriftPolicyStatus.model_validate({"signals": [{**one, "message": message}]})) == 0.934
    assert (
        estimated_accuracy(DriftPolicyStatus.model_validate({"signals": [{**one, "message": "too few rows"}]})) is None
    )
    assert estimated_accuracy(DriftPolicyStatus()) is None


def test_all_as_promised() -> None:
    assert list(broken_promises(story())) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"alarms_when_quiet": ["episode 1"]}, "alarms while nothing changed"),
        ({"history": []}, "not installed and promoted"),
        ({"trainings": [{}, {}]}, "2 trainings"),
        ({"policy": DriftPolicyStatus()}, "was not promoted"),
        ({"blocked": ""}, "did not block a training: nothing did"),
    ],
)
def test_what_was_not_observed_is_said(changed: dict[str, object], says: str) -> None:
    one = story()
    for name, value in changed.items():
        setattr(one, name, value)
    assert [promise for promise in broken_promises(one) if says in promise]


def test_a_model_that_is_not_better_breaks_the_promise() -> None:
    one = story()
    one.clinic.accuracy = [(float(at), 5, 10) for at in range(100)]
    one.clinic.failed = 1
    assert list(broken_promises(one)) == ["the new model is not better: 0.5 before, 0.5 after", "1 requests failed"]


def test_the_page_shows_all_on_one_axis() -> None:
    text = render(story())
    assert text.count("<polyline") == 4, "accuracy as it was and as estimated share a frame"
    assert "estimated from scores" in text
    assert text.count('class="act"') == 6
    assert "v2 Promoted" in text
    assert "alarm 2: no training" in text
    assert not re.search(r"<script|src=|href=|nan", text)


def test_the_clinic_has_two_populations_of_real_patients() -> None:
    small, large = visits("screening"), visits("referrals")
    assert len(small) + len(large) == 569
    assert list(small.columns) == [*MEASUREMENTS, OUTCOME]
    assert small[OUTCOME].mean() > 0.9
    assert large[OUTCOME].mean() < 0.4
