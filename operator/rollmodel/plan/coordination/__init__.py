"""Coordination: which rollout may begin now, by rules of the cluster and of its namespace. Pure."""
