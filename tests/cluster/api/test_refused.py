"""What is wrong is refused by the API server, once and with words that a person can act on."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.apiserver import Api, Refused, spec_of
from tests.support.yaml_text import from_yaml

pytestmark = pytest.mark.cluster

CASES = [
    pytest.param(kind, case, id=f"{kind}-{case['field']}-{number}")
    for kind, cases in from_yaml((Path(__file__).parent / "refused.yaml").read_text()).items()
    for number, case in enumerate(cases)
]

#: Where a type or a required field is wrong, the API server leaves our rules aside and says so.
ASIDE = "some validation rules were not checked because the object was invalid"


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_wrong_spec_is_refused_with_words(dry_api: Api, kind: str, case: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        dry_api.try_out(kind, spec_of(kind, case["change"]), case.get("name", "churn"))
    blamed = {field.removeprefix(".") for field, message in refused.value.causes if ASIDE not in message}
    assert blamed <= {case["field"] or "<nil>"}
    assert case["says"] in str(refused.value)


def test_unknown_fields_are_named(dry_api: Api) -> None:
    with pytest.raises(Refused, match=r'unknown field "spec\.rolout"'):
        dry_api.try_out("ModelDeployment", spec_of("ModelDeployment", {"rolout": {}}))


METADATA = from_yaml((Path(__file__).parent / "metadata.yaml").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("case", METADATA["refused"], ids=lambda case: case["says"])
def test_wrong_metadata_is_refused_as_lint_says(dry_api: Api, case: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        dry_api.try_out("ModelDeployment", spec_of("ModelDeployment", {}), metadata=case["metadata"])
    assert case["says"] in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("metadata", METADATA["accepted"])
def test_odd_metadata_is_taken_as_lint_says(dry_api: Api, metadata: dict[str, Any]) -> None:
    assert dry_api.try_out("ModelDeployment", spec_of("ModelDeployment", {}), metadata=metadata)
