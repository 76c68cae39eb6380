"""Gates: what a run must show before its model is registered."""
