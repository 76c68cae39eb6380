"""Passes over DriftPolicies: gather, and the record of the kind."""
