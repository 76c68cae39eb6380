"""What a model was trained on, as counts: ``profile.json``, which lies beside the model (docs/concepts/drift.md).

For training code: this package imports numpy and nothing else.
"""

from __future__ import annotations

from rollmodel.profile.build import build_profile
from rollmodel.profile.load import load_profile, read_profile
from rollmodel.profile.schema import FILE_NAME, FORMAT, Column, Profile, ProfileError, Rhythm, Score

__all__ = [
    "FILE_NAME",
    "FORMAT",
    "Column",
    "Profile",
    "ProfileError",
    "Rhythm",
    "Score",
    "build_profile",
    "load_profile",
    "read_profile",
]
