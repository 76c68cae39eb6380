"""Names, labels and selectors of child objects. Every name fits a DNS label, whatever its owner is called."""

from __future__ import annotations

import hashlib
import re

from rollmodel.api.base import GROUP

__all__ = [
    "ATTEMPT",
    "FIELD_MANAGER",
    "HOLDING",
    "MANAGED_BY",
    "OWNER",
    "PICKER",
    "REVISION",
    "TRAINING_JOB",
    "attempt_selector",
    "child",
    "child_labels",
    "holding",
    "holding_selector",
    "job",
    "label_value",
    "owner_selector",
    "pairs",
    "picker",
    "picker_selector",
    "preview",
    "revision_selector",
    "selector_text",
    "shared",
    "short_hash",
    "training_labels",
]

FIELD_MANAGER = "rollmodel"
MANAGED_BY = f"{GROUP}/managed-by"
OWNER = f"{GROUP}/model-deployment"
REVISION = f"{GROUP}/revision"
HOLDING = f"{GROUP}/holding-page-of"
PICKER = f"{GROUP}/endpoint-picker-of"
TRAINING_JOB = f"{GROUP}/training-job"
ATTEMPT = f"{GROUP}/attempt"

_PICKER_SUFFIX = "-epp"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # no vowels and no look-alikes: no words, nothing to misread
_HASH_LENGTH = 8
_LABEL_LENGTH = 63
_POD_SUFFIX_LENGTH = 10
"""``-<attempt>-<index>`` of an indexed Job's pod, whose host name is a DNS label too."""
_LOOKS_CUT = re.compile(rf".{{50,}}-[{_ALPHABET}]{{{_HASH_LENGTH}}}")
_DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


def short_hash(text: str) -> str:
    """Eight characters that stand for the text: SHA-256, written in an alphabet of 27."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest())
    characters = []
    for _ in range(_HASH_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(characters)


def shared(owner: str) -> str:
    """Name of what an owner has once: its Service and its HTTPRoute."""
    return _fit(owner, _LABEL_LENGTH)


def child(owner: str, revision: str) -> str:
    """Name of what an owner has per revision: ControllerRevision, Deployment, Service."""
    return f"{_fit(owner, _LABEL_LENGTH - _HASH_LENGTH - 1)}-{revision}"


def preview(owner: str) -> str:
    """Name of the Service of a candidate that is previewed. A revision has eight characters, so none is called so."""
    return child(owner, "preview")


def holding(owner: str) -> str:
    """Name of the Deployment of the holding page."""
    return child(owner, "hold")


def holding_selector(owner: str) -> dict[str, str]:
    """Selects the pod of the holding page, which is none of a revision."""
    return {HOLDING: label_value(owner)}


def picker(owner: str, revision: str) -> str:
    """Name of the endpoint picker of a revision's InferencePool, which is called as its Deployment is."""
    return f"{_fit(owner, _LABEL_LENGTH - _HASH_LENGTH - 1 - len(_PICKER_SUFFIX))}-{revision}{_PICKER_SUFFIX}"


def picker_selector(owner: str, revision: str) -> dict[str, str]:
    """Selects the pods of an endpoint picker, which are none of the revision."""
    return {PICKER: child(owner, revision)}


def pairs(owner: str) -> str:
    """Name of the headless Service by which a candidate finds the pods whose answers it compares with its own."""
    return child(owner, "pairs")


def job(owner: str, attempt: int) -> str:
    """Name of an attempt's Job, and of the Service of its pods."""
    return f"{_fit(owner, _LABEL_LENGTH - _POD_SUFFIX_LENGTH)}-{attempt}"


def label_value(owner: str) -> str:
    """The owner's name as a label value; a name of more than 63 characters is cut and gets a hash.

    So does a long one that looks as if that had been done: it could be the label of another owner, and select its pods.
    """
    stays = len(owner) <= _LABEL_LENGTH and not _LOOKS_CUT.fullmatch(owner)
    return owner if stays else _cut(owner, _LABEL_LENGTH, owner)


def owner_selector(owner: str) -> dict[str, str]:
    """Selects the pods of all revisions."""
    return {OWNER: label_value(owner)}


def revision_selector(owner: str, revision: str) -> dict[str, str]:
    """Selects the pods of one revision."""
    return {OWNER: label_value(owner), REVISION: revision}


def selector_text(labels: dict[str, str]) -> str:
    """A selector in the form that the scale subresource wants."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def child_labels(owner: str, revision: str | None = None) -> dict[str, str]:
    """Labels of a child object; children are watched by ``MANAGED_BY``."""
    labels = {**_managed(owner), OWNER: label_value(owner)}
    return labels if revision is None else {**labels, REVISION: revision}


def training_labels(owner: str, attempt: int | None = None) -> dict[str, str]:
    """Labels of what a TrainingJob owns."""
    labels = {**_managed(owner), TRAINING_JOB: label_value(owner)}
    return labels if attempt is None else {**labels, ATTEMPT: str(attempt)}


def attempt_selector(owner: str, attempt: int) -> dict[str, str]:
    """Selects the pods of one attempt."""
    return {TRAINING_JOB: label_value(owner), ATTEMPT: str(attempt)}


def _managed(owner: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/managed-by": FIELD_MANAGER,
        "app.kubernetes.io/name": label_value(owner),
        MANAGED_BY: FIELD_MANAGER,
    }


def _fit(owner: str, limit: int) -> str:
    """The owner's name where it is a DNS label (RFC 1035) within the limit, else the likeliest one plus a hash."""
    if len(owner) <= limit and _DNS_LABEL.fullmatch(owner):
        return owner
    slug = re.sub(r"[^a-z0-9]+", "-", owner.lower()).strip("-")
    return _cut(slug if slug[:1].isalpha() else f"m-{slug}", limit, owner)


def _cut(text: str, limit: int, whole: str) -> str:
    return f"{text[: limit - _HASH_LENGTH - 1].rstrip('-.')}-{short_hash(whole)}"
