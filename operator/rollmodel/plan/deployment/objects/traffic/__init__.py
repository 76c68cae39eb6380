"""The objects by which requests come to pods."""
