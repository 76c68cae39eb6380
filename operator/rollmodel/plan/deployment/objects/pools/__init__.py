"""InferencePools and their endpoint pickers."""
