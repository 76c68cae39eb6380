"""The Kubernetes API: requests, watches, and the store of child objects."""
