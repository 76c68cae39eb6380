"""Pods: their API, folders, volumes and status."""
