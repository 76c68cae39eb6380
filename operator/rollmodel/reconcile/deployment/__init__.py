"""Passes over ModelDeployments: pin the model, gather, and the reconciler that decides and acts."""
