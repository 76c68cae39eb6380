"""Manifests of child objects, as pure functions. One file per kind of object."""
