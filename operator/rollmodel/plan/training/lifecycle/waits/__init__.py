"""Waits that a run may have to bear, and when somebody is told: for a queue, for its pods, for the tracking server."""
