"""Gather, plan, act: one file per kind, and ``execute`` which carries a Decision out."""
