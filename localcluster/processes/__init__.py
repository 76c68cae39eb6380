"""The processes of a cluster: each one, all of them, and that none outlives it."""
