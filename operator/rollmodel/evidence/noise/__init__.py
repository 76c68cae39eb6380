"""Noise: how much more than chance metrics vary, learnt from quiet history."""
