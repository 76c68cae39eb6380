"""Containers as local processes: their images, environment, probes and life."""
