"""Headers and matchers of the settings."""

from __future__ import annotations

import pytest
from rollmodel.api.prometheus import http_headers, label_matchers


def test_headers_are_lines() -> None:
    text = "X-Scope-OrgID: team-a|team-b\n\n  THANOS-TENANT:eu:1 \n"
    assert http_headers(text) == {"X-Scope-OrgID": "team-a|team-b", "THANOS-TENANT": "eu:1"}
    assert http_headers("") == {}


@pytest.mark.parametrize("text", ["X-Scope-OrgID", "X: ", "X Y: hunter2", "X: hunter2\x00", "X: hünter2"])
def test_what_is_no_header_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="header 1 must be") as error:
        http_headers(text)
    assert "nter2" not in str(error.value)


@pytest.mark.parametrize("name", ["Authorization", "host", "Content-Length"])
def test_headers_of_the_request_itself_stay(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be set here"):
        http_headers(f"{name}: hunter2")


@pytest.mark.parametrize(
    ("text", "matchers"),
    [
        ("", ""),
        ('cluster="eu-1"', 'cluster="eu-1"'),
        (' cluster = "eu-1" , replica!~"b|c" ,', 'cluster = "eu-1",replica!~"b|c"'),
        (r'a="x\"}y,b=\\",c!=""', r'a="x\"}y,b=\\",c!=""'),
    ],
)
def test_matchers(text: str, matchers: str) -> None:
    assert label_matchers(text) == matchers


@pytest.mark.parametrize("text", ["eu-1", "cluster=eu", 'cluster="eu"} or up{', 'a="b" c="d"', 'a=="b"', 'a="b', ","])
def test_what_would_change_the_query_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be PromQL matchers"):
        label_matchers(text)
