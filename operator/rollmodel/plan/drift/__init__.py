"""Decisions about DriftPolicies. Pure."""
