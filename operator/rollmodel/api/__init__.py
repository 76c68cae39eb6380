"""What a person writes: the three kinds as pydantic models, conditions, and the exporter of ``crds/``."""
