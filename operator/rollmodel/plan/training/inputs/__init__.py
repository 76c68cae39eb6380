"""Inputs of a run: pinned versions and digests, and the hash that two equal runs share."""
