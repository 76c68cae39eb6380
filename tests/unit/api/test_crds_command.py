"""``rollmodel crds``: the same bytes each time, and a check that notices."""

import filecmp
import json
from pathlib import Path

import pytest
from rollmodel.__main__ import main
from rollmodel.api import crd

from tests.support.yaml_text import from_yaml

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    crd.write(tmp_path / "crds")
    return tmp_path / "crds"


def test_what_is_committed_is_current() -> None:
    assert crd.check(REPOSITORY / "crds") == []


def test_writing_twice_gives_the_same_bytes(written: Path) -> None:
    for path in written.iterdir():
        assert filecmp.cmp(path, REPOSITORY / "crds" / path.name, shallow=False)
    assert len(list(written.iterdir())) == len(crd.KINDS)


def test_the_reference_is_written_where_the_docs_are(written: Path, tmp_path: Path) -> None:
    page = written.parent / "docs" / "reference" / "api.md"
    assert page.read_bytes() == (REPOSITORY / "docs" / "reference" / "api.md").read_bytes()
    crd.write(tmp_path / "elsewhere" / "crds")
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["crds"]


def test_a_change_is_found_and_shown(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written / "modeldeployments.yaml"
    path.write_text(path.read_text().replace("maximum: 1000\n", "maximum: 999\n"))
    (difference,) = crd.check(written)
    assert "maximum: 999" in difference
    assert main(["crds", "--check", str(written)]) == 1
    assert "maximum: 1000" in capsys.readouterr().out


def test_a_missing_file_is_found(written: Path) -> None:
    (written / "trainingjobs.yaml").unlink()
    (difference,) = crd.check(written)
    assert difference.startswith(f"--- {written / 'trainingjobs.yaml'} (present)")


def test_the_check_changes_nothing(written: Path) -> None:
    (written / "trainingjobs.yaml").unlink()
    assert main(["crds", "--check", str(written)]) == 1
    assert not (written / "trainingjobs.yaml").exists()
    assert main(["crds", str(written)]) == 0
    assert main(["crds", "--check", str(written)]) == 0


def test_the_reference_has_every_field() -> None:
    """Every property of every schema has a row."""
    page = (REPOSITORY / "docs" / "reference" / "api.md").read_text()

    def paths(prefix: str, schema: dict[str, object]) -> list[str]:
        below = schema.get("properties", {})
        assert isinstance(below, dict)
        found = [f"{prefix}.{name}" for name in below]
        for name, child in below.items():
            found += paths(f"{prefix}.{name}", child)
            if "items" in child:
                found += paths(f"{prefix}.{name}[]", child["items"])
        return found

    for kind in crd.KINDS:
        definition = from_yaml((REPOSITORY / "crds" / f"{kind.plural}.yaml").read_text())
        properties = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        section = page.split(f"## {kind.kind}\n")[1].split("\n## ")[0]
        fields = paths("spec", properties["spec"]) + paths("status", properties["status"])
        assert len(fields) > 50
        assert [field for field in fields if f"| `{field}` |" not in section] == []


@pytest.mark.parametrize("kind", crd.KINDS, ids=lambda kind: str(kind.kind))
def test_a_status_costs_the_api_server_no_rules(kind: crd.Kind) -> None:
    """It would evaluate them for each that we write; what a person writes it does check."""
    schema = crd.custom_resource_definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    assert "x-kubernetes-validations" not in json.dumps(schema["status"])
    assert "x-kubernetes-validations" in json.dumps(schema["spec"])
