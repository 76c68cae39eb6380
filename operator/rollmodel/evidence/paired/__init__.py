"""Pairs: both versions were asked the same; the share of answers that differ has a limit, or their mean difference."""
