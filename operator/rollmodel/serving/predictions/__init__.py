"""The prediction log: what a model was asked and what it answered, row by row, and the labels that come later.

The server writes it (docs/adr/0017-predictions-and-labels.md); a Job reads it and yields the counts that the server
shows to Prometheus.
"""
