"""How a candidate gets its traffic."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from rollmodel.api.base import ApiModel
from rollmodel.api.schema import ATOMIC, PatternMessage, Rule, exactly_one_of

__all__ = [
    "ABTestPolicy",
    "BlueGreenStep",
    "ClientMark",
    "OnBlind",
    "OnFailure",
    "OnUndecided",
    "Ramp",
    "Rollout",
    "ShadowStep",
    "Step",
    "SwapPolicy",
]


class Step(ApiModel):
    """One step of a canary: exactly one of ``weight`` and ``pause``."""

    rules = (
        exactly_one_of("weight", "pause"),
        Rule(
            "!has(self.pause) || !(has(self.minSeconds) || has(self.maxSeconds) || has(self.minRequests)"
            " || has(self.podsPercent))",
            "must have `minSeconds`, `maxSeconds`, `minRequests` and `podsPercent` only together with `weight`:"
            " a pause lasts until somebody resumes",
        ),
        Rule(
            "!has(self.minSeconds) || !has(self.maxSeconds) || self.minSeconds <= self.maxSeconds",
            "must have `minSeconds` less than or equal to `maxSeconds`",
        ),
    )

    weight: Annotated[int | None, Field(ge=1, le=99)] = None
    """Share of the traffic in percent."""
    pods_percent: Annotated[int | None, Field(ge=1, le=100)] = None
    """Pods of the candidate at this weight, in percent of those that take all traffic. Fewer than the weight takes are
    never started. Default: what the weight takes."""
    pause: Literal["Manual"] | None = None
    """Wait until somebody says `resume`."""
    min_seconds: Annotated[int | None, Field(ge=0, le=604800)] = None
    """Shortest time at this weight, also when the candidate is proven safe earlier. Default: 0."""
    max_seconds: Annotated[int | None, Field(ge=1, le=2592000)] = None
    """Time budget of this step; then `onUndecided` decides. Default: no end; after a day beyond `minSeconds` `Stalled`
    says so."""
    min_requests: Annotated[int | None, Field(ge=0, le=1_000_000_000)] = None
    """Fewest requests that the candidate must have answered at this weight. Default: 0."""


class Ramp(ApiModel):
    """A canary whose weights follow the evidence, in place of written steps."""

    rules = (
        Rule("self.startWeight <= self.maxWeight", "must have `startWeight` less than or equal to `maxWeight`"),
        Rule(
            "!has(self.minSeconds) || !has(self.maxSeconds) || self.minSeconds <= self.maxSeconds",
            "must have `minSeconds` less than or equal to `maxSeconds`",
        ),
    )

    max_expected_harm: Annotated[int, Field(ge=1, le=1_000_000_000)] = 100
    """Requests that may get a worse answer because of a larger weight. The next weight is the largest at which a
    candidate as bad as the evidence does not exclude yet is expected to do no more harm before it is proven."""
    start_weight: Annotated[int, Field(ge=1, le=99)] = 5
    """First weight, in percent; it is given whatever the bound says, for without traffic nothing is learnt."""
    max_weight: Annotated[int, Field(ge=1, le=99)] = 50
    """Last weight before the candidate gets all traffic, in percent. It is held until the candidate is proven safe."""
    max_step_weight: Annotated[int, Field(ge=1, le=98)] = 25
    """Largest increase at once, in percentage points."""
    min_seconds: Annotated[int | None, Field(ge=0, le=604800)] = None
    """Shortest time at each weight. Default: 0."""
    max_seconds: Annotated[int | None, Field(ge=1, le=2592000)] = None
    """Time budget at each weight; then `onUndecided` decides. Default: no end; after a day beyond `minSeconds`
    `Stalled` says so."""


class OnFailure(StrEnum):
    """What happens when the candidate is proven harmful."""

    ROLL_BACK = "RollBack"
    PAUSE = "Pause"


class OnUndecided(StrEnum):
    """What an undecided step does at the end of its time budget.

    ``Promote`` advances, provided the upper limit of the ratio's interval is below the safe margin.
    """

    PAUSE = "Pause"
    ROLL_BACK = "RollBack"
    PROMOTE = "Promote"


class OnBlind(StrEnum):
    """What happens when no evidence arrives for ``maxBlindSeconds``."""

    HOLD = "Hold"
    ROLL_BACK = "RollBack"


class BlueGreenStep(ApiModel):
    """The preview of a blue/green rollout."""

    switch: Literal["Automatic", "Manual"] | None = None
    """`Automatic`: all traffic goes over `previewSeconds` after its pods are ready. `Manual`: when somebody says
    `resume` or `promote`. Default: `Automatic`."""
    preview_seconds: Annotated[int | None, Field(ge=0, le=604800)] = None
    """How long the candidate is previewed before an automatic switch. Default: 0."""


class ShadowStep(ApiModel):
    """The step of a shadow."""

    rules = (
        Rule(
            "!has(self.minSeconds) || !has(self.maxSeconds) || self.minSeconds <= self.maxSeconds",
            "must have `minSeconds` less than or equal to `maxSeconds`",
        ),
    )

    percent: Annotated[int, Field(ge=1, le=100)] = 20
    """Share of the requests that are copied, in percent. A copy costs what a request costs."""
    min_seconds: Annotated[int | None, Field(ge=0, le=604800)] = None
    """Shortest time, also when the candidate is proven safe earlier. Default: 0."""
    max_seconds: Annotated[int | None, Field(ge=1, le=2592000)] = None
    """Time budget; then `onUndecided` decides. Default: no end; after a day beyond `minSeconds` `Stalled` says so."""
    min_requests: Annotated[int | None, Field(ge=0, le=1_000_000_000)] = None
    """Fewest copies that the candidate must have answered. Default: 0."""
    then: Literal["Canary", "Promote"] | None = None
    """What follows once it is proven safe: `Canary` goes on with `rollout.steps`, `Promote` gives it all traffic.
    Default: `Canary`."""


class SwapPolicy(ApiModel):
    """How pods are swapped."""

    min_available_percent: Annotated[int, Field(ge=1, le=95)] = 75
    """Ready pods of both revisions that are left at any moment, in percent of `scale.replicas`, rounded up; all but one
    at most, for one has to be freed. They must be able to carry all traffic."""


_Token = Annotated[
    str,
    Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.~-]+$"),
    PatternMessage("must be letters, digits, '_', '.', '~' and '-'"),
]


class ClientMark(ApiModel):
    """A header or cookie that clients of group B send."""

    name: _Token
    """Its name."""
    value: _Token
    """Its value in group B; all other clients are group A."""


class ABTestPolicy(ApiModel):
    """An A/B test: clients say which version they get."""

    rules = (exactly_one_of("header", "cookie"),)

    header: ClientMark | None = None
    """Group B by a header, which any Gateway can tell."""
    cookie: ClientMark | None = None
    """Group B by a cookie. It takes a Gateway that matches headers by regular expressions."""
    percent: Annotated[int, Field(ge=1, le=99)] = 50
    """Share of the requests that group B sends, in percent: for the number of pods."""
    horizon_seconds: Annotated[int, Field(ge=60, le=7776000)] = 604800
    """How long both groups are compared. Proof of harm ends it earlier, nothing else does."""
    on_no_difference: Literal["RollBack", "Promote", "Pause"] = "RollBack"
    """What happens when neither version is proven better by then. `Promote` promotes one that is proven not to be worse
    by more than the safe margin, and else pauses."""


_STABLE_PODS = "!has(self.baseline) || self.baseline == 'Stable'"
_WEIGHTS = "self.filter(step, has(step.weight)).map(step, step.weight)"
_DEFAULT_STEPS = "self.steps.map(step, has(step.weight) ? step.weight : 0) == [5, 25, 50]"

_Steps = Annotated[
    list[Step],
    Field(min_length=1, max_length=20),
    ATOMIC,
    Rule(
        # In a list of its own, so that the API server computes the weights once.
        f"[{_WEIGHTS}].all(weights, weights.isSorted()"
        " && weights.all(weight, weights.exists_one(other, other == weight)))",
        "must have weights that increase from step to step",
    ),
    Rule("size(self) == 0 || self.exists(step, has(step.weight))", "must have at least one step with `weight`"),
]


class Rollout(ApiModel):
    """How a candidate gets its traffic."""

    rules = (
        Rule(
            "!has(self.shadow) || self.strategy == 'Shadow'",
            "must have `shadow` only together with `strategy: Shadow`",
        ),
        Rule(
            "!has(self.blueGreen) || self.strategy == 'BlueGreen'",
            "must have `blueGreen` only together with `strategy: BlueGreen`",
        ),
        Rule(
            "has(self.abTest) == (has(self.strategy) && self.strategy == 'ABTest')",
            "must have `abTest` with `strategy: ABTest`, and only with it",
        ),
        Rule(
            "!has(self.ramp) || self.strategy in ['Canary', 'Shadow']",
            "must have `ramp` only together with `strategy: Canary` or `Shadow`",
        ),
        Rule(
            f"!has(self.ramp) || {_DEFAULT_STEPS}",
            "must have either `ramp` or `steps`: the weights of a ramp follow the evidence",
        ),
        Rule(
            "!has(self.swap) || self.strategy == 'Swap'",
            "must have `swap` only together with `strategy: Swap`",
        ),
        Rule(
            "!has(self.bakeSeconds) || self.bakeSeconds == 0 || self.strategy != 'Swap'",
            "must not have `bakeSeconds` with `strategy: Swap`: the old pods are freed for the new ones",
        ),
        Rule(
            f"{_STABLE_PODS} || self.strategy == 'Canary'",
            "must have `baseline: Fresh` only together with `strategy: Canary`: a preview is compared with nobody,"
            " copies and clients with a mark go to one version alone, and a swap has no pod to spare",
        ),
        Rule(
            f"{_STABLE_PODS} || (self.steps.all(step, !has(step.weight) || step.weight <= 50)"
            " && (!has(self.ramp) || self.ramp.maxWeight <= 50))",
            "must have weights of at most 50 together with `baseline: Fresh`: the baseline gets as much as the"
            " candidate",
        ),
    )

    strategy: Literal["Canary", "BlueGreen", "Shadow", "Swap", "ABTest"] = "Canary"
    """`Canary`: the candidate gets more traffic step by step. `Shadow`: first it gets copies of requests, and nobody
    its answers; then a canary follows. `BlueGreen`: it is previewed at full size, then takes all traffic at once.
    `Swap`: a canary without additional pods, for scarce GPUs. `ABTest`: clients say by a header or cookie which
    version they get, and the first metric says which is better."""
    blue_green: BlueGreenStep | None = None
    """The preview, for `BlueGreen`."""
    shadow: ShadowStep | None = None
    """The step with copies, for `Shadow`."""
    ab_test: ABTestPolicy | None = None
    """The test, for `ABTest`."""
    swap: SwapPolicy | None = None
    """How pods are swapped, for `Swap`."""
    ramp: Ramp | None = None
    """In place of `steps`: each weight ends as soon as its evidence is enough, and the next one is as large as the harm
    that is still possible allows."""
    steps: _Steps = Field(default=[Step(weight=5), Step(weight=25), Step(weight=50)])
    """Steps before the candidate gets all traffic."""
    baseline: Literal["Stable", "Fresh"] | None = None
    """Whom the candidate is compared with. `Stable`: the pods that serve. `Fresh`: pods of the stable revision that are
    started beside the candidate, as many, and get the same weight, so that warm caches do not favour stable. Default:
    `Stable`."""
    warm_up_seconds: Annotated[int, Field(ge=0, le=86400)] = 30
    """Time after all candidate pods are ready before the first weight is given and counted."""
    deadline_seconds: Annotated[int, Field(ge=10, le=604800)] = 600
    """A candidate whose pods are not ready by then is rolled back."""
    drain_seconds: Annotated[int, Field(ge=0, le=86400)] = 30
    """Time between weight 0 observed and the removal of pods."""
    bake_seconds: Annotated[int | None, Field(ge=0, le=604800)] = None
    """Time for which a candidate has all traffic before the stable revision loses its pods: until then the way back is
    one step. It takes twice the pods for so long. Default: 0."""
    on_failure: OnFailure = OnFailure.ROLL_BACK
    """What happens when the candidate is proven harmful."""
    on_undecided: OnUndecided = OnUndecided.PAUSE
    """What an undecided step does at the end of its time budget.

    `Promote` advances, provided the upper limit of the ratio's interval is below the safe margin.
    """
    on_blind: OnBlind = OnBlind.HOLD
    """What happens when no evidence arrives for `maxBlindSeconds`. `Hold` keeps the weight, and `Stalled` says who gets
    traffic."""
    max_blind_seconds: Annotated[int, Field(ge=30, le=604800)] = 900
    """How long a rollout may be without evidence."""
