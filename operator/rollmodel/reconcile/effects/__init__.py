"""Carrying out effects: one module for each neighbour, one handler for each class of effect."""
