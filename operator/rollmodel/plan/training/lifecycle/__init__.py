"""The life of a run, from its first attempt to the cleaning up."""
