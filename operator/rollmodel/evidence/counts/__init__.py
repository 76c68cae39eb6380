"""Counts: bad requests among all, compared between two arms."""
