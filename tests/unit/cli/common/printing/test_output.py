"""``-o`` as kubectl has it."""

from __future__ import annotations

import argparse

import pytest
from rollmodel.cli.common.printing.output import Output, add_output, printed

DATA = {"kind": "List", "items": [{"a": 1}]}


def parsed(*words: str) -> Output:
    parser = argparse.ArgumentParser(prog="rollmodel get")
    add_output(parser, "table", "wide")
    output: Output = parser.parse_args(words).output
    return output


@pytest.mark.parametrize("words", [("-o", "{}"), ("-o{}",), ("-o={}",), ("--output={}",), ("--output", "{}")])
@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("json", '{\n  "kind": "List",\n  "items": [\n    {\n      "a": 1\n    }\n  ]\n}\n'),
        ("yaml", "kind: List\nitems:\n- a: 1\n"),
        ("jsonpath={.items[0].a}", "1"),
        ('jsonpath={.items[?(@.a==1)].a}{"\\n"}', "1\n"),
    ],
)
def test_however_it_is_typed(words: tuple[str, ...], form: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(DATA, parsed(*(word.replace("{}", form) for word in words)))
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(("words", "form"), [((), "table"), (("-o", "wide"), "wide")])
def test_what_is_no_data_is_left_to_the_command(
    words: tuple[str, ...], form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = parsed(*words)
    assert not printed(DATA, output)
    assert output.form == form
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("xml", "'xml' is not one of table, wide, yaml, json, jsonpath=TEMPLATE"),
        ("jsonpath", "'jsonpath' is not one of"),
        ("jsonpath=.kind", "names no field: say which in braces, e.g. {.metadata.name}"),
        ("jsonpath={.items[0,1]}", "'[0,1]' in {.items[0,1]} is not understood; allowed are {.name}"),
    ],
)
def test_another_form_is_refused_with_those_there_are(form: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed("-o", form)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
