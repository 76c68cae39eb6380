"""Decisions for ModelDeployment: ``decide(observed) -> Decision`` and the queries that it needs answered first."""
