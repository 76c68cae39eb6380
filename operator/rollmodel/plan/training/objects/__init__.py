"""The objects that a TrainingJob owns, as manifests."""
