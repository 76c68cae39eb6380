"""The model server: one process per worker around the scoring of MLflow."""
