"""Passes over TrainingJobs: gather, and the reconciler that decides and acts."""
