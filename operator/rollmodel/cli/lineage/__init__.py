"""Where a version came from, and what was decided about it."""
