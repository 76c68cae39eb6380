"""The operator's metrics for Prometheus, and who may read them."""
