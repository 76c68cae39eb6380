"""Counts what a model is asked and answers, into the bins of its profile. What leaves the pod are counts."""
