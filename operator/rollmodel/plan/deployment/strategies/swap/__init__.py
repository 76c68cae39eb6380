"""Swap: pods of the candidate take the place of pods of the stable revision, for pods that are scarce."""
