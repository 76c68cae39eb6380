"""The outside world, one file per neighbour: the only importers of kubernetes, prometheus_api_client and mlflow."""
