"""Strategies: what a rollout wants at each moment, and how it can end."""
