"""Rollmodel: a Kubernetes operator for machine-learning deployments.

A model earns its traffic with evidence, and loses it the same way.
"""

__version__ = "0.1.0"
