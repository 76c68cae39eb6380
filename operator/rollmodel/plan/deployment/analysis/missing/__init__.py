"""Samples that are late, too few or absent: what that means, and when it is an outcome of its own."""
