"""Routers: how traffic is split, and what split is observed."""
