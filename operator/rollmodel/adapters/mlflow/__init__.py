"""MLflow: the registry, and the tracking of runs."""
