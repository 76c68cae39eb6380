"""What should be done about a TrainingJob. Pure."""
