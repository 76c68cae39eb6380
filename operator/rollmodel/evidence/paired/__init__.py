"""Pairs: both versions were asked the same, and the share of answers that differ has a limit."""
