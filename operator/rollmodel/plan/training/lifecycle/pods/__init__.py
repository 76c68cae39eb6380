"""What the pods of an attempt are at, and how the attempt ended."""
