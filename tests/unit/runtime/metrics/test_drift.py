"""What the operator counts of DriftPolicies, from real passes of the simulated world."""

from __future__ import annotations

from rollmodel.errors import Unavailable
from rollmodel.plan.decision import Reading, Ref
from rollmodel.plan.drift.evaluation.readings import MOST_SIGNALS
from rollmodel.runtime.metrics.operator import Instruments

from tests.support.simulation.drifting import HOUR, DriftWorld, rows_of

WHERE = {"namespace": "team", "name": "watch"}


async def observed(world: DriftWorld, ref: Ref, instruments: Instruments, hours: int) -> None:
    """As the controller does: each pass is told."""
    operator = world.operator()
    for _ in range(hours):
        world.clock.forward(HOUR)
        for _ in range(10):
            before = world.kube.objects[ref]
            result = await operator.reconcile(before)
            body = dict(result.body) | {"kind": "DriftPolicy"}
            instruments.on_pass("uid", dict(before) | {"kind": "DriftPolicy"}, body, readings=result.readings)
            if not result.wrote:
                break


def value(instruments: Instruments, metric: str, **labels: str) -> float | None:
    return instruments.registry.get_sample_value(f"rollmodel_drift_{metric}", labels)


async def test_an_alarm_its_signals_and_its_budget() -> None:
    world, instruments = DriftWorld(lambda rng, hour: rows_of(rng, 600, age=40.0 if hour < 12 else 46.0)), Instruments()
    ref = world.policy()
    await observed(world, ref, instruments, 16)
    assert value(instruments, "alarm", **WHERE, severity="Moderate") == 1
    assert value(instruments, "alarm", **WHERE, severity="Severe") == 0
    assert value(instruments, "condition", **WHERE, type="DriftDetected") == 1
    assert value(instruments, "condition", **WHERE, type="QualityBroken") == 0
    assert value(instruments, "state", **WHERE, state="Drifted") == 1
    assert value(instruments, "state", **WHERE, state="Stable") == 0
    assert value(instruments, "looks_total", result="Learning") == 9
    assert value(instruments, "looks_total", result="Drifted") == 2
    assert value(instruments, "looks_total", result="Suspected") == 2
    assert value(instruments, "alarms_total") == 1
    assert value(instruments, "retrains_total", outcome="Suggested") == 1
    assert value(instruments, "last_look_timestamp_seconds", **WHERE) == world.clock.now().timestamp() // HOUR * HOUR
    spent = value(instruments, "budget_spent_ratio", **WHERE)
    assert spent is not None
    assert 0.0 < spent < 0.02
    psi = value(instruments, "corrected_psi", **WHERE, signal="features/age")
    change = value(instruments, "change_ratio", **WHERE, signal="features/age")
    assert psi is not None
    assert change is not None
    assert psi > 0.2
    assert abs(change - psi / 0.02) < 1e-9
    assert value(instruments, "corrected_psi", **WHERE, signal="features/plan") is not None, "also where it is quiet"
    assert value(instruments, "corrected_psi", **WHERE, signal="quality/age/null") is None, "that is no distribution"
    assert value(instruments, "window_rows", **WHERE, window_seconds="21600") == 3600
    small = value(instruments, "visible_psi", **WHERE, window_seconds="21600")
    assert small is not None
    assert 0.0 < small < 0.1


async def test_the_performance_is_a_metric() -> None:
    world, instruments = DriftWorld(lambda rng, hour: rows_of(rng, 600, unsure=hour >= 11)), Instruments()
    signals = [{"name": "accuracy", "kind": "EstimatedPerformance", "metric": "accuracy", "maxDrop": "0.05"}]
    ref = world.policy(signals=signals)
    await observed(world, ref, instruments, 11)
    before = value(instruments, "performance", **WHERE, signal="accuracy")
    await observed(world, ref, instruments, 1)
    now = value(instruments, "performance", **WHERE, signal="accuracy")
    assert before is not None
    assert now is not None
    assert 0.5 < now < before - 0.05 < 0.8
    [signal] = world.status(ref)["signals"]
    assert f"accuracy {now:.3f} estimated" in signal["message"]


async def test_what_cannot_look_has_no_numbers_of_a_look() -> None:
    world, instruments = DriftWorld(), Instruments()
    ref = world.policy()
    await observed(world, ref, instruments, 12)
    assert value(instruments, "window_rows", **WHERE, window_seconds="3600") == 600
    world.broken = Unavailable("Prometheus did not answer")
    await observed(world, ref, instruments, 1)
    assert value(instruments, "window_rows", **WHERE, window_seconds="3600") is None
    assert value(instruments, "condition", **WHERE, type="DataFresh") == 0
    assert value(instruments, "alarm", **WHERE, severity="Severe") == 0
    instruments.forget("uid")
    assert value(instruments, "alarm", **WHERE, severity="Severe") is None


async def test_numbers_are_kept_between_two_looks_and_are_bounded() -> None:
    world, instruments = DriftWorld(), Instruments()
    ref = world.policy(signals=[{"name": f"s{index}", "kind": "Feature"} for index in range(30)])
    await observed(world, ref, instruments, 12)
    body = world.kube.objects[ref] | {"kind": "DriftPolicy"}
    instruments.on_pass("uid", body, body, readings=None)
    found = [one for family in instruments.registry.collect() for one in family.samples if "signal" in one.labels]
    assert len({one.labels["signal"] for one in found}) == MOST_SIGNALS
    instruments.on_pass("uid", body, body, readings=[Reading("log10_p", "a", -3.0)])
    assert value(instruments, "log10_p", **WHERE, signal="a") == -3
    assert value(instruments, "corrected_psi", **WHERE, signal="s0/age") is None
