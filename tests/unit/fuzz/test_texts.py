"""Names, termination messages, states and settings that others write: names stay legal, nothing acts or takes long."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.errors import RollmodelError
from rollmodel.evidence import judge
from rollmodel.evidence.judge import StateError
from rollmodel.evidence.packed import unpack
from rollmodel.plan import naming
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.training.inputs.pins import reports
from rollmodel.text import plain, redact

from tests.support.foreign import ACTING, damaged, texts
from tests.support.running.effort import effort
from tests.support.simulation.rollouts import Cluster, spec

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
#: What the API server lets objects be called (RFC 1123 subdomain).
SUBDOMAIN = st.from_regex(r"\A[a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?\Z").filter(
    lambda name: not re.search(r"[.][-.]|-[.]", name)
)
REPORT = {"name": "data", "version": "1", "digest": f"sha256:{'0' * 64}"}


@settings(max_examples=effort(50, 1000))
@given(SUBDOMAIN, SUBDOMAIN)
def test_children_have_legal_names_and_two_owners_never_the_same(one: str, other: str) -> None:
    for name in (naming.shared(one), naming.child(one, "bcdfghjk"), naming.job(one, 1)):
        assert DNS_LABEL.fullmatch(name)
    assert LABEL_VALUE.fullmatch(naming.label_value(one))
    if one != other:
        assert naming.child(one, "bcdfghjk") != naming.child(other, "bcdfghjk")
        assert naming.label_value(one) != naming.label_value(other)


@settings(max_examples=effort(40, 1000))
@given(damaged(REPORT, "name", "version", "digest"))
def test_a_report_of_an_input_is_one_or_nothing(message: bytes) -> None:
    ended = {"exitCode": 0, "message": message.decode("utf-8", "replace")}
    status = {"initContainerStatuses": [{"name": "input-data", "state": {"terminated": ended}}]}
    for found in reports([{"status": status}]):
        assert found.name == "data"
        for text in (found.version, found.digest):
            assert text is None or (text == plain(text) and len(text) < 300)


@settings(max_examples=effort(40, 600))
@given(st.lists(st.one_of(texts, st.sampled_from(ACTING)), max_size=5).map("".join), st.booleans())
def test_no_text_acts_or_takes_long(text: str, lines: bool) -> None:
    began = time.process_time()
    found = plain(redact(text * 20), lines=lines)
    assert time.process_time() - began < 2.0
    assert plain(found, lines=lines) == found
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", found)
    assert lines or "\n" not in found
    found.encode()


@pytest.fixture(scope="module")
def judged() -> Cluster:
    """A candidate is being judged."""
    cluster = Cluster(spec())
    cluster.run(60)
    cluster.try_version("2")
    assert cluster.run(3600, cluster.has_weight)
    cluster.run(30)
    assert cluster.status["judge"]
    return cluster


@settings(max_examples=effort(12, 200))
@given(st.data())
def test_a_state_of_the_judge_is_read_or_refused(judged: Cluster, data: st.DataObject) -> None:
    body = data.draw(damaged(json.loads(unpack(judged.status["judge"])), "parts", "metrics", "wealth", "n"))
    try:
        state = judge.load(body.decode("utf-8", "replace"))
    except StateError:
        return
    judge.dump(state)


@settings(max_examples=effort(12, 200))
@given(st.data())
def test_a_status_that_somebody_wrote_ends_in_a_decision(judged: Cluster, data: st.DataObject) -> None:
    """One that the API server would let pass; another is refused before."""
    body = data.draw(
        damaged(judged.status, "stable", "candidate", "retiring", "judge", "records", "revision", "hash", "weight")
    )
    try:
        status = ModelDeploymentStatus.model_validate(json.loads(body)).to_wire()
    except (ValueError, RecursionError):
        return
    try:
        decision = decide(replace(judged, status=status).observe())
    except RollmodelError:
        return
    ModelDeploymentStatus.model_validate(dict(decision.status))
