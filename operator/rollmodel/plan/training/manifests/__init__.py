"""Manifests of what an attempt consists of, as pure functions."""
