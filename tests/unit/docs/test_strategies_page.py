"""Each strategy has its section, a diagram of its states, and a whole example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from rollmodel.plan.deployment.strategies.table import STRATEGIES

REPOSITORY = Path(__file__).parents[3]
SECTIONS = dict(
    section.split("\n", 1)
    for section in (REPOSITORY / "docs/concepts/strategies.md").read_text(encoding="utf-8").split("\n## ")[1:]
)


#: What a strategy may be asked for, with a section of its own.
VARIANTS = {"A ramp: weights that follow the evidence": "Canary", "A baseline of fresh pods": "Canary"}


@pytest.mark.parametrize(
    ("title", "strategy"), [*((name, name) for name in sorted(STRATEGIES)), *sorted(VARIANTS.items())]
)
def test_the_section_of_a_strategy(title: str, strategy: str) -> None:
    section = SECTIONS[title]
    diagram = section.partition("```mermaid\nstateDiagram-v2\n")[2].partition("```")[0]
    moves = [line.strip().partition(":")[0].split(" --> ") for line in diagram.strip().splitlines()]
    reached = {"[*]"}
    for _ in moves:
        reached |= {to for start, to in moves if start in reached}
    assert {state for move in moves for state in move} == reached, "a state that nothing leads to"
    assert {"TakingOver", "RolledBack", "Promoted"} <= reached
    example = re.search(r"\(../../(examples/[a-z-]+\.yaml)\) is a whole one", section)
    assert example is not None
    manifest = yaml.safe_load((REPOSITORY / example[1]).read_text(encoding="utf-8"))
    assert manifest["spec"].get("rollout", {}).get("strategy", "Canary") == strategy
