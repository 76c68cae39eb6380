"""What can go wrong in localcluster. Every message tells a person what to do or where to look."""

from __future__ import annotations

__all__ = ["BinaryUnavailableError", "LocalClusterError", "NotRunningError", "PartFailedError"]


class LocalClusterError(Exception):
    """Base of every error that localcluster raises on purpose."""


class BinaryUnavailableError(LocalClusterError):
    """A binary could be had by none of the ways; the message lists each attempt and what to install."""


class NotRunningError(LocalClusterError):
    """No cluster is running in this directory."""


class PartFailedError(LocalClusterError):
    """A process ended or did not become ready; the message ends with the last lines of its log."""
