"""The objects that a ModelDeployment owns: live ones sorted, desired ones built."""
