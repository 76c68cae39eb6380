"""The images as far as they can be judged without building them."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[3]
RUNS_AS = "65532:65532"


@dataclass(frozen=True)
class Stage:
    """One FROM of a Dockerfile and what follows it: (instruction, arguments)."""

    name: str
    parent: str
    steps: list[tuple[str, str]]


def stages(path: Path) -> dict[str, Stage]:
    """Stages by name; build arguments are filled in with their defaults."""
    text = re.sub(r"\\\n", " ", path.read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    defaults = dict(line.removeprefix("ARG ").split("=", 1) for line in lines if line.startswith("ARG "))
    found: dict[str, Stage] = {}
    for line in lines:
        instruction, _, arguments = line.partition(" ")
        if instruction == "FROM":
            while "${" in arguments:
                arguments = re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], arguments)
            parent, _, name = arguments.partition(" AS ")
            found[name or "last"] = Stage(name or "last", parent, [])
        elif found:
            list(found.values())[-1].steps.append((instruction, arguments))
    return found


def chain(found: dict[str, Stage], target: str) -> list[tuple[str, str]]:
    """The steps of a target and of the stages that it is built from, in order."""
    stage = found[target]
    return [*(chain(found, stage.parent) if stage.parent in found else []), *stage.steps]


IMAGES = stages(REPOSITORY / "Dockerfile")


def test_bases_are_pinned_by_digest_and_come_from_no_named_host() -> None:
    bases = {stage.parent for stage in IMAGES.values()} - IMAGES.keys()
    assert len(bases) == 3
    assert all(re.fullmatch(r"python:3\.1[1-3]-slim@sha256:[0-9a-f]{64}", base) for base in bases)
    assert IMAGES["build"].parent == IMAGES["base"].parent == "python-3.13"


@pytest.mark.parametrize("target", ["operator", "server"])
def test_images_run_as_a_numeric_user_and_name_their_command(target: str) -> None:
    steps = chain(IMAGES, target)
    users = [arguments for instruction, arguments in steps if instruction == "USER"]
    assert users == [RUNS_AS]
    assert ("ENTRYPOINT", '["rollmodel"]') in steps


def test_the_default_target_is_the_operator_which_runs() -> None:
    assert list(IMAGES)[-1] == "operator"
    assert ("CMD", '["run"]') in IMAGES["operator"].steps


@pytest.mark.parametrize("target", ["operator", "server"])
def test_packages_are_those_of_the_lock_file_by_hash(target: str) -> None:
    installs = [a for i, a in chain(IMAGES, f"build-{target}") if i == "RUN" and "pip install" in a]
    build, locked, own = installs
    assert "--require-hashes --target /build --requirement requirements/build.txt" in build
    assert f"--require-hashes --requirement requirements/{target}.txt" in locked
    assert own.endswith("pip install --no-deps --no-build-isolation .")
    assert ("COPY", f"--from=build-{target} /opt/rollmodel /opt/rollmodel") in IMAGES[target].steps


def test_nothing_is_fetched_but_packages() -> None:
    steps = [step for stage in IMAGES.values() for step in stage.steps]
    assert not [step for step in steps if step[0] == "ADD"]
    assert not [step for step in steps if re.search(r"https?://|curl|wget|apt-get|--index-url", step[1])]


def test_the_context_holds_what_is_copied_and_nothing_secret() -> None:
    rules = [line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    copied = {
        source.split("/")[0]
        for stage in IMAGES.values()
        for instruction, arguments in stage.steps
        if instruction == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    }
    assert copied == allowed


def locked(name: str) -> set[str]:
    lines = (REPOSITORY / f"requirements/{name}.txt").read_text().splitlines()
    return {Requirement(line.rstrip(" \\")).name for line in lines if line and line[0] not in " #-"}


def test_the_operator_image_stays_small() -> None:
    assert not locked("operator") & {"mlflow", "scikit-learn", "pandas", "pyarrow", "scipy", "matplotlib"}
    assert {"kopf", "mlflow-skinny", "requests"} <= locked("operator")


def test_the_server_image_has_what_a_default_model_needs() -> None:
    assert {"mlflow", "scikit-learn", "skops", "pandas", "fastapi", "uvicorn", "prometheus-client"} <= locked("server")


def test_the_recipe_for_other_packages_ends_as_the_same_user() -> None:
    (recipe,) = stages(REPOSITORY / "examples/models/Dockerfile").values()
    assert recipe.parent.startswith("localhost/rollmodel/server:")
    assert not recipe.parent.endswith("latest")
    assert [arguments for instruction, arguments in recipe.steps if instruction == "USER"] == ["0", RUNS_AS]
