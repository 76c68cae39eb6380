"""``rollmodel count-log``: a log is read back, joined with its labels, and counted for a DriftPolicy."""
