"""A change of one thing wakes the objects that refer to it, and asks nobody anything."""

from __future__ import annotations

from rollmodel.plan.decision import CreateVersion, Effect, Ref, WriteRegistry
from rollmodel.reconcile.references import (
    Place,
    References,
    Topic,
    changed_models,
    registered_model,
    secret,
    the_object,
)

from tests.reconcile.conftest import Bench
from tests.support.inmemory.training import TrainingBench

CHURN = registered_model("http://mlflow", "churn")
OTHER = registered_model("http://mlflow", "other")


def uid(bench: Bench | TrainingBench, ref: Ref) -> str:
    found: str = bench.kube.objects[ref]["metadata"]["uid"]
    return found


class TestIndex:
    """The index by itself."""

    def test_a_change_wakes_all_that_refer_to_it_but_who_made_it(self) -> None:
        woken: list[str] = []
        references = References(woken.append)
        references.refer("a", [CHURN])
        references.refer("b", [CHURN, OTHER])
        references.refer("c", [OTHER])
        references.announce(CHURN, by="a")
        assert woken == ["b"]
        assert references.announced(CHURN) > 0
        assert references.announced(OTHER) == 0

    def test_the_last_that_was_said_counts(self) -> None:
        woken: list[str] = []
        references = References(woken.append)
        references.refer("a", [CHURN])
        references.refer("a", [OTHER])
        references.announce(CHURN, by="")
        assert woken == []
        references.announce(OTHER, by="")
        assert woken == ["a"]

    def test_it_holds_what_is_referred_to_now_and_nothing_else(self) -> None:
        references = References(lambda uid: None)
        for number in range(1000):
            references.refer(f"uid-{number}", [registered_model("http://mlflow", f"model-{number}"), CHURN])
            references.announce(the_object("ModelDeployment", "team", f"nobody-{number}"), by="")
        assert len(references) == 1001
        for number in range(1000):
            references.forget(f"uid-{number}")
        assert len(references) == 0

    def test_versions_and_aliases_change_a_model_and_tags_do_not(self) -> None:
        place = Place("team", "http://mlflow")
        done: list[Effect] = [
            WriteRegistry("k", "tagged", "1", tags={"a": "b"}),
            WriteRegistry("k", "churn", "1", alias="champion"),
            CreateVersion("other", "run-1", "model", {}),
        ]
        assert list(changed_models(place, done)) == [CHURN, OTHER]
        assert list(changed_models(Place("team", None), done)) == []


async def train(bench: TrainingBench) -> Ref:
    ref = bench.create()
    await bench.finish(ref)
    return ref


async def test_a_training_that_registers_its_model_wakes_who_serves_it() -> None:
    training = TrainingBench()
    serving = Bench()
    ref = serving.create()
    operator = serving.operator(references=training.references)
    await serving.settle(operator, ref)
    assert serving.conditions(ref)["ModelResolved"][0] == "False"
    assert training.woken == []
    await train(training)
    assert set(training.woken) == {uid(serving, ref)}
    serving.registry.publish("1", "challenger")
    await serving.settle(operator, ref)
    assert serving.registry.not_before == training.references.announced(CHURN) > 0
    assert serving.conditions(ref)["ModelResolved"][0] == "True"


async def test_who_serves_another_model_or_from_another_registry_sleeps_on() -> None:
    training = TrainingBench()
    serving = Bench()
    serving.kube.secrets["team", "other"] = {"url": "http://elsewhere"}
    model = {"registry": {"name": "churn", "alias": "challenger"}, "connectionRef": {"name": "other"}}
    refs = [serving.create(model=model)]
    operator = serving.operator(references=training.references)
    await serving.settle(operator, refs[0])
    await train(training)
    assert training.woken == []


async def test_what_is_gone_is_woken_no_more() -> None:
    training = TrainingBench()
    serving = Bench()
    ref = serving.create()
    operator = serving.operator(references=training.references)
    await serving.settle(operator, ref)
    operator.forget(uid(serving, ref))
    await train(training)
    assert training.woken == []
    assert len(training.references) == 0


async def test_the_first_that_finds_its_secret_wakes_those_that_wait_for_it(bench: Bench) -> None:
    references = References(bench.woken.append)
    operator = bench.operator(references=references)
    model = {"registry": {"name": "churn", "alias": "challenger"}, "connectionRef": {"name": "mlflow"}}
    refs = [bench.create(name=name, model=model) for name in ("one", "two")]
    for ref in refs:
        await bench.settle(operator, ref)
        assert bench.conditions(ref)["ModelResolved"] == ("False", "ConnectionNotFound")
    bench.kube.secrets["team", "mlflow"] = {"url": "http://mlflow"}
    bench.woken.clear()
    bench.kube.reads.clear()
    await bench.settle(operator, refs[0])
    assert bench.woken == [uid(bench, refs[1])]
    secrets = [ref for verb, ref in bench.kube.reads if ref.kind == "Secret"]
    assert len(secrets) == 1
    await bench.settle(operator, refs[1])
    assert bench.conditions(refs[1])["ModelResolved"][0] == "True"
    assert bench.woken == [uid(bench, refs[1])]


async def test_a_change_of_an_object_is_announced(bench: Bench) -> None:
    references = References(bench.woken.append)
    ref = bench.create()
    references.refer("policy", [the_object("ModelDeployment", "team", "churn")])
    operator = bench.operator(references=references)
    await bench.settle(operator, ref)
    assert "policy" in bench.woken
    bench.woken.clear()
    await bench.a_pass(operator, ref)
    assert bench.woken == []


def test_topics_of_one_name_are_not_mixed_up() -> None:
    topics = {secret("team", "churn"), the_object("ModelDeployment", "team", "churn"), Topic("x", "team", "churn")}
    assert len(topics) == 3
