"""Pods of models and of trainings: what both have in common."""
