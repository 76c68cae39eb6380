"""Means: a business or quality metric, compared between two arms."""
