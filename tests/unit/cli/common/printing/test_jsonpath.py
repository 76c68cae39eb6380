"""Templates as kubectl's ``-o jsonpath=`` takes them. What is printed was compared with kubectl 1.32."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.cli.common.printing.jsonpath import ALLOWED, JsonPathError, compiled

ITEMS: list[dict[str, Any]] = [
    {
        "metadata": {"name": name, "annotations": {"rollmodel.dev/refresh": "7"}},
        "spec": {"steps": [{"weight": 5}, {"weight": 25}, {"weight": 50}]},
        "status": {"conditions": [{"type": "Stalled", "status": "False"}, {"type": "Ready", "status": ready}]},
    }
    for name, ready in (("churn", "True"), ("fraud", "Unknown"))
]
LIST = {"kind": "List", "items": ITEMS, "n": 3, "on": True, "nothing": None, "empty": {}}


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ("{.kind}", "List"),
        ("{$.kind}", "List"),
        ("{['kind']}", "List"),
        ("{ .n }", "3"),
        ("{.on}", "true"),
        ("{.empty}", "{}"),
        ("{.items[*].metadata.name}", "churn fraud"),
        ("{.items[0].metadata.name}", "churn"),
        ("{.items[-1].metadata.name}", "fraud"),
        ("{.items[-1:].metadata.name}", "fraud"),
        ("{.items[0].spec.steps[0:2]}", '{"weight":5} {"weight":25}'),
        ("{.items[0].spec.steps[1:].weight}", "25 50"),
        ("{.items[0].spec.steps}", '[{"weight":5},{"weight":25},{"weight":50}]'),
        ("{.items[0].spec.steps[?(@.weight>5)].weight}", "25 50"),
        ("{.items[0].spec.steps[?(@.weight<=5)].weight}", "5"),
        ("{.items[0].spec.steps[?(@.none)].weight}", ""),
        ('{.items[*].status.conditions[?(@.type=="Ready")].status}', "True Unknown"),
        ("{.items[*].status.conditions[?(@.type != 'Ready')].status}", "False False"),
        ('{.items[?(@.metadata.name=="fraud")].status.conditions[1].status}', "Unknown"),
        (r"{.items[0].metadata.annotations.rollmodel\.dev/refresh}", "7"),
        ("{.items[0].metadata.annotations['rollmodel.dev/refresh']}", "7"),
        ("{.items[0]..weight}", "5 25 50"),
        ("{.items[0].metadata.annotations.*}", "7"),
        ("{.items[0].none.of.this}", ""),
        ("{.kind.of}", ""),
        ("{.n[0]}", ""),
        ("model {.items[0].metadata.name} serves", "model churn serves"),
        (r'{.kind}{"\t"}{.n}{"\n"}', "List\t3\n"),
        (
            r'{range .items[*]}{.metadata.name}={range .spec.steps[*]}{@.weight},{end}{"\n"}{end}',
            "churn=5,25,50,\nfraud=5,25,50,\n",
        ),
        ('{"{"}{.kind}{"}"}', "{List}"),
    ],
)
def test_it_prints_what_kubectl_prints(template: str, printed: str) -> None:
    assert compiled(template).render(LIST) == printed


def test_the_whole_object_is_json() -> None:
    assert compiled("{.}").render({"a": [1, "ü"]}) == '{"a":[1,"ü"]}'
    assert compiled("{@}").render([1]) == "[1]"
    assert compiled("{[*].a}").render([{"a": 1}, {"a": None}]) == "1 null"


@pytest.mark.parametrize(
    "template",
    [
        "",
        ".kind",
        "kind",
        "{}",
        "{kind}",
        "{.kind",
        ".kind}",
        "{.kind]}",
        "{.items[}",
        "{.items[x]}",
        "{.items[0,1]}",
        "{.items[0:4:2]}",
        "{.items[?(@.a=~'x')]}",
        "{.items[?(@.a==[1])]}",
        "{.items[?(@.a==x)]}",
        "{.items[?(.a)]}",
        "{.a b}",
        "{..*}",
        "{range .items[*]}{.a}",
        "{end}",
        "{.a}{end}",
        '{"open}',
    ],
)
def test_what_is_not_understood_is_refused_with_what_is_allowed(template: str) -> None:
    with pytest.raises(JsonPathError) as refused:
        compiled(template)
    assert any(said in str(refused.value) for said in (ALLOWED, "{end}", "say a text in quotes, a number"))
