"""Does this image have what the model was trained with? Asked before the model is loaded, answered in one line.

MLflow writes the Python version into ``MLmodel`` and pins packages in ``requirements.txt``. A pin says what was
installed, not what is needed, so a release of the same series (same major and minor number) counts as the same.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rollmodel.errors import Invalid

__all__ = ["check_environment", "differences"]

MAX_SHOWN = 5
"""Differences named in the one line of the termination log."""

logger = logging.getLogger("rollmodel.serve")


def check_environment(model: Path, *, refuse: bool) -> None:
    """Raise Invalid (IncompatibleEnvironment) where the image does not fit the model; only log it if not ``refuse``.

    Raises Invalid (NoModel) for a folder without ``MLmodel``.
    """
    found = list(differences(model))
    for difference in found:
        logger.warning("model wants %s", difference)
    if found and refuse:
        more = f" and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else ""
        raise Invalid(f"model wants {'; '.join(found[:MAX_SHOWN])}{more}", reason="IncompatibleEnvironment")


def differences(
    model: Path,
    *,
    python: str = platform.python_version(),
    installed: Callable[[str], str] = metadata.version,
) -> Iterator[str]:
    """What the model wants and the image does not have, one text each: ``scikit-learn==1.5.2, image has 1.7.0``."""
    wanted = _python_of(model)
    if wanted and Version(wanted).release[:2] != Version(python).release[:2]:
        yield f"Python {wanted}, image has {python}"
    for line in _requirement_lines(model / "requirements.txt"):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            logger.info("cannot check the requirement %r", line)
            continue
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            version = installed(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{_short(requirement)}, image has none"
            continue
        if not _fits(requirement, version):
            yield f"{_short(requirement)}, image has {version}"


def _python_of(model: Path) -> str | None:
    try:
        described: dict[str, Any] = yaml.safe_load((model / "MLmodel").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Invalid(f"there is no MLmodel in {model}", reason="NoModel") from error
    version = described.get("flavors", {}).get("python_function", {}).get("python_version")
    return str(version) if version else None


def _requirement_lines(path: Path) -> Iterator[str]:
    """Lines that name packages: no comments, no options of pip, no files of the model itself."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.split(" #")[0].strip()
        if text and not text.startswith(("#", "-", ".", "/")):
            yield text


def _short(requirement: Requirement) -> str:
    return f"{requirement.name}{requirement.specifier}"


def _fits(requirement: Requirement, version: str) -> bool:
    """Whether an installed version satisfies a requirement, reading a pin as its series."""
    if requirement.specifier.contains(version, prereleases=True):
        return True
    pins = [specifier.version for specifier in requirement.specifier if specifier.operator == "=="]
    if len(pins) != 1 or len(requirement.specifier) != 1:
        return False
    try:
        pin, have = Version(pins[0]), Version(version)
    except InvalidVersion:
        return False
    if canonicalize_name(requirement.name) == "mlflow":  # a newer server reads what an older client of its major wrote
        return have.major == pin.major and have >= pin
    return have.release[:2] == pin.release[:2]
