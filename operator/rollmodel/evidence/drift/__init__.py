"""Drift of counts: two-sample tests with a false-alarm budget. Method and numbers: docs/concepts/drift.md."""
