"""Latency: histograms of two arms, compared bin by bin."""
