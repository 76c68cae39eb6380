"""How MLflow is reached: its client, HTTP, sessions, stores and workspaces."""
