"""The paired baseline: fresh pods of the stable revision, which the candidate is compared with."""
