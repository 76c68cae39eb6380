"""The pod of a revision, and what is in it."""
