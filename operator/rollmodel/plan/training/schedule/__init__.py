"""Scheduled training: when a run is due, and which runs exist."""
